"""Answers in JSON: with an ETag, in pages, and the same one for a request that is sent again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import insert, select

from steersman.core import ids
from steersman.core.errors import Conflict, UserError
from steersman.server.platform import Platform
from steersman.store.base import Row, Transaction
from steersman.store.tables import answers

Json = dict[str, Any]
MOST = 200
JSON = "application/json"


def answer(
    request: Request, data: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return *data*, or 304 when the one who asks has it already."""
    body = json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    sent = {"ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if request.method == "GET" and tag in request.headers.get("if-none-match", "").split(", "):
        return Response(status_code=304, headers=sent)
    return Response(body, status, headers=sent, media_type=JSON)


def page(
    request: Request, rows: Sequence[Row], items: list[Json], limit: int, key: str
) -> Response:
    """Return one page: *rows* holds one more than *limit* where there are more.

    *key* is the column the rows are ordered by; the cursor is its last value.
    """
    more = len(rows) > limit
    cursor = to_cursor(rows[limit - 1][key]) if more else None
    headers = {}
    if cursor:
        url = request.url.include_query_params(cursor=cursor)
        headers["Link"] = f'<{url}>; rel="next"'
    return answer(request, {"items": items[:limit], "next": cursor}, headers=headers)


def to_cursor(value: object) -> str:
    """Spell the place where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def from_cursor(text: str | None) -> Any:
    """Return the value that a cursor spells, None for the first page."""
    if not text:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        value = None
    fits = isinstance(value, str) and value.isprintable()
    fits |= type(value) is int and abs(value) < 2**63
    if not fits:
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return value


def place(cursor: str | None) -> str | None:
    """Return the id that a cursor spells, None for the first page."""
    value = from_cursor(cursor)
    if value is not None and not (isinstance(value, str) and ids.is_id(value)):
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return value


async def once(
    request: Request, parts: Platform, who: str, make: Callable[[], Awaitable[tuple[Any, int]]]
) -> Response:
    """Do what a POST asks, or answer as the first time when its Idempotency-Key was seen.

    Two that come at the very same time are both done; what they make is unique by itself.
    """
    given = request.headers.get("idempotency-key")
    if not given:
        return answer(request, *await make())
    if len(given) > 200:
        raise UserError("the Idempotency-Key is longer than 200 characters")
    key = hashlib.sha256(f"{who}\0{given}".encode("utf-8", "replace")).hexdigest()
    asked = (
        f"{request.method} {request.url.path} {hashlib.sha256(await request.body()).hexdigest()}"
    )
    known = await parts.store.read(lambda tx: tx.one(select(answers).where(answers.c.key == key)))
    if known is not None:
        if known["request"] != asked:
            raise Conflict("the Idempotency-Key was used for another request")
        return answer(request, known["body"], known["status"])
    body, status = await make()
    row = {"key": key, "request": asked, "status": status, "body": body}
    await parts.store.write(lambda tx: _keep(tx, row))
    return answer(request, body, status)


def _keep(tx: Transaction, row: Json) -> None:
    known = select(answers.c.key).where(answers.c.key == row["key"])
    if tx.value(known) is None:
        tx.execute(insert(answers), {**row, "created": tx.now})
