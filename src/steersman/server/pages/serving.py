"""Hands out the document of the pages and what belongs to it, read once and then from memory."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from steersman.core.errors import NotFound

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).with_name("static")
DOCUMENT = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing but our own files runs, is drawn or is asked, and text never becomes code or markup.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# A file's address changes with what is in it.
FOR_EVER = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
FOR_ONCE = {**HEADERS, "Cache-Control": "no-store"}


class Files(NamedTuple):
    """All files by their names; *version* changes with any of them."""

    version: str
    content: dict[str, bytes]


@cache
def files() -> Files:
    """Read the files; the document names the others by their version."""
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
    }
    version = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]
    document = found[DOCUMENT].replace(b"{version}", version.encode())
    return Files(version, {**found, DOCUMENT: document})


@router.get("/")
@router.get("/sign-in")
@router.get("/schedules")
@router.get("/projects/{path:path}")
@router.get("/runs/{path:path}")
async def document(request: Request, path: str = "") -> Response:
    """Return the document; which page it becomes is for the browser to find by the address."""
    found = files()
    tag = f'"{found.version}"'
    headers = {**HEADERS, "ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.content[DOCUMENT], headers=headers, media_type=TYPES[".html"])


@router.get("/static/{version}/{name:path}")
async def static(version: str, name: str) -> Response:
    """Return a file of the pages.

    While servers are replaced, the document may come from one and ask another for its files: they
    get what there is, and keep it for nobody.
    """
    found = files()
    content = found.content.get(name)
    if content is None:
        raise NotFound("the pages have no such file", hint="load the page again")
    headers = FOR_EVER if version == found.version else FOR_ONCE
    return Response(content, headers=headers, media_type=TYPES[Path(name).suffix])


@router.get("/favicon.ico")
async def icon() -> Response:
    """Return the icon to those who ask for it by its old name."""
    return Response(files().content["icon.svg"], headers=HEADERS, media_type=TYPES[".svg"])
