"""Errors as answers: problem+json (RFC 9457) in the words of the error."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from steersman.blobs.base import TooLarge
from steersman.core.errors import (
    Conflict,
    Forbidden,
    InvalidFile,
    NotFound,
    Refused,
    SteersmanError,
    Unavailable,
    Unknown,
    UserError,
)
from steersman.server.limits import TooMuch

log = logging.getLogger("steersman.server")
MEDIA = "application/problem+json"
_TEXT = {"type": "string"}
_FORM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "what is wrong, in words for people"},
        "hint": {**_TEXT, "description": "what to do about it"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "a problem (RFC 9457)", "content": {MEDIA: {"schema": _FORM}}}
}
"""What /openapi.json says of errors."""
# The first that fits counts.
STATUSES: tuple[tuple[type[SteersmanError], int, str], ...] = (
    (TooMuch, 413, "too large"),
    (Unknown, 401, "who are you?"),
    (Forbidden, 403, "not allowed"),
    (NotFound, 404, "not found"),
    (Conflict, 409, "in conflict with its state"),
    (InvalidFile, 422, "mistakes in the file"),
    (UserError, 400, "not understood"),
    (TooLarge, 413, "too large"),
    (Unavailable, 503, "not available right now"),
    (Refused, 502, "refused behind this server"),
)


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """Return an answer that says what is wrong."""
    headers = more.pop("headers", {})
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= {name: value for name, value in more.items() if value}
    return JSONResponse(body, status, media_type=MEDIA, headers=headers)


def of(error: SteersmanError) -> JSONResponse:
    """Return the answer for one of our errors."""
    status, title = next(
        ((status, title) for kind, status, title in STATUSES if isinstance(error, kind)),
        (500, "an error of ours"),
    )
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "2"}}.get(status, {})
    # What stands here must be text in every encoding: it may quote what somebody sent.
    detail = str(error).encode("utf-8", "replace").decode()
    return problem(status, title, detail, hint=error.hint, headers=headers)


def _in_words(request: Request, error: HTTPException) -> str:
    """Say what the framework only has a phrase for."""
    place = request.url.path[:200]
    if error.status_code == 404:
        return f"there is nothing at {place}"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return f"{request.method[:20]} does not work at {place}" + (allowed and f": use {allowed}")
    if isinstance(error.__cause__, RecursionError):
        return "the JSON of the body is nested too deeply"
    return f"{str(error.detail).lower()}: {error.__cause__ or 'the request is not as it should be'}"


def install(app: FastAPI) -> None:
    """Let *app* answer every error in this form."""

    @app.exception_handler(SteersmanError)
    async def ours(request: Request, error: SteersmanError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"at": ".".join(str(part)[:100] for part in each["loc"]), "detail": each["msg"][:500]}
            for each in error.errors()[:20]
        ]
        first = f"{errors[0]['at']}: {errors[0]['detail']}" if errors else "the request"
        return problem(422, "not as described in /openapi.json", first, errors=errors)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, SteersmanError):
            return of(error.__cause__)
        headers = dict(error.headers or {})
        detail = _in_words(request, error)
        return problem(error.status_code, str(error.detail).lower(), detail, headers=headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        log.error("bug: %s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "a bug of ours", "the server's log says more")
