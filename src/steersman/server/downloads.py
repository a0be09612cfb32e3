"""Bytes that somebody takes away: with a name, an ETag and a range, and harmless to a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from steersman.blobs.base import Blobs
from steersman.core.errors import NotFound
from steersman.server.closing import closed
from steersman.server.streaming import Streamed

TAR = "application/x-tar"
RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
# What is in an artifact was written by whoever changed the code: no page of ours may be made of it.
HARMLESS = {"Content-Security-Policy": "sandbox"}


class Download(NamedTuple):
    """A blob that is taken away as a file called *name*."""

    blob: str
    size: int
    sha256: str
    name: str


class Span(NamedTuple):
    """The bytes from *start* up to *stop*, and the status that says so."""

    start: int
    stop: int
    status: int


def span(header: str | None, size: int) -> Span | None:
    """Return what a `Range` asks for, all of it when that makes no sense; None past the end."""
    match = RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()):
        return Span(0, size, 200)
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return Span(size - count, size, 206) if count else None
    if last and int(last) < int(first):
        return Span(0, size, 200)
    if int(first) >= size:
        return None
    return Span(int(first), min(int(last) + 1, size) if last else size, 206)


def attachment(name: str) -> str:
    """Return the header that makes a browser keep a file under *name*, whatever is in it."""
    quoted = quote(name, safe="", errors="replace")
    return (
        f'attachment; filename="{name}"'
        if quoted == name
        else (f"attachment; filename*=UTF-8''{quoted}")
    )


async def send(
    request: Request, blobs: Blobs, found: Download, more: Mapping[str, str] | None = None
) -> Response:
    """Answer with a blob, with a part of it, or with 304 when the one who asks has it already."""
    tag = f'"{found.sha256}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", **HARMLESS, **(more or {})}
    if tag in request.headers.get("if-none-match", "").split(", "):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if request.headers.get("if-range", tag) != tag:
        wanted = None
    part = span(wanted, found.size)
    headers |= {"Accept-Ranges": "bytes", "Content-Disposition": attachment(found.name)}
    if part is None:
        headers["Content-Range"] = f"bytes */{found.size}"
        return Response(status_code=416, headers=headers)
    if await blobs.size(found.blob) != found.size:
        raise NotFound(f"the bytes of {found.name} are not in the store any more")
    if part.status == 206:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{found.size}"
    headers["Content-Length"] = str(part.stop - part.start)
    pieces = blobs.get(found.blob, part.start, part.stop)
    return Streamed(pieces, part.status, media_type=TAR, headers=headers)


async def primed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first piece: what keeps it from coming can still be answered in words."""
    first = await anext(pieces, b"")

    async def every() -> AsyncIterator[bytes]:
        async with closed(pieces) as rest:
            yield first
            async for piece in rest:
                yield piece

    return every()
