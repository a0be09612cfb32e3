"""Logs: raw with ranges, by lines, and as they grow."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from steersman.core.errors import UserError
from steersman.core.permissions import Action
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.api.runs import attempt
from steersman.server.closing import closed
from steersman.server.platform import Platform
from steersman.server.streaming import Ended, Streamed, sse
from steersman.store.base import Row

router = APIRouter(tags=["logs"])
TEXT = "text/plain; charset=utf-8"
MOST_LINES = 5000
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@router.get("/attempts/{identity}/log")
async def raw(
    request: Request,
    identity: str,
    parts: Parts,
    who: Who,
    *,
    follow: bool = False,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """Return the log as it is; `follow` keeps on until it ends. `Range` works on one range."""
    row = await attempt(parts, who, identity, Action.SEE_LOG)
    headers = {"X-Log-Size": str(row["log_size"]), "Accept-Ranges": "bytes"}
    if follow:
        pieces = _alive(request, parts.logs.follow(identity, offset))
        return Streamed(pieces, media_type=TEXT, headers=headers)
    found = _range(request.headers.get("range"), row["log_size"], offset)
    if found is None:
        headers["Content-Range"] = f"bytes */{row['log_size']}"
        return Response(status_code=416, headers=headers)
    start, stop, status = found
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{row['log_size']}"
    headers["Content-Length"] = str(stop - start)
    return Streamed(
        parts.logs.read(identity, start, stop), status, media_type=TEXT, headers=headers
    )


def _range(header: str | None, size: int, offset: int) -> tuple[int, int, int] | None:
    """Return start, stop and status; None for a range that is not there."""
    match = RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()):
        return min(offset, size), size, 200
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size, 206) if count else None
    if int(first) >= size:
        return None
    stop = min(int(last) + 1, size) if last else size
    return (int(first), stop, 206) if stop > int(first) else None


async def _alive(request: Request, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give what comes, until nobody reads any more or this server goes."""
    closing = request.app.state.closing
    async with closed(pieces) as coming:
        async for piece in coming:
            if closing.is_set() or (not piece and await request.is_disconnected()):
                return
            if piece:
                yield piece


@router.get("/attempts/{identity}/log/lines")
async def lines(
    request: Request,
    identity: str,
    parts: Parts,
    who: Who,
    first: Annotated[int, Query(ge=0, le=2**53)] = 0,
    count: Annotated[int, Query(ge=1, le=MOST_LINES)] = 500,
) -> Response:
    """Return lines from the one numbered *first* (from 0), however long the log before it is."""
    row = await attempt(parts, who, identity, Action.SEE_LOG)
    found = await parts.logs.lines(identity, first, count)
    items = [
        {"number": line.number, "text": line.text.decode(errors="replace"), "at": line.at}
        for line in found
    ]
    return answer(request, {**_length(row), "items": items})


def _length(row: Row) -> dict[str, object]:
    return {"size": row["log_size"], "lines": row["log_lines"], "closed": row["log_closed"]}


@router.get("/attempts/{identity}/log/stream")
async def stream(
    request: Request,
    identity: str,
    parts: Parts,
    who: Who,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """Send the log as server-sent events; each one's id is the offset to go on from."""
    await attempt(parts, who, identity, Action.SEE_LOG)
    seen = request.headers.get("last-event-id", "")
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) < 16):
        raise UserError("Last-Event-ID is no offset in a log")
    return sse(request, _events(parts, identity, int(seen or offset)))


async def _events(parts: Platform, identity: str, start: int) -> AsyncIterator[str]:
    rest = b""
    async with closed(parts.logs.follow(identity, start)) as pieces:
        async for piece in pieces:
            if not piece:
                yield ": still here\n\n"
                continue
            data = rest + piece
            # A character is not cut in two: its first bytes wait for the others.
            rest = data[_whole(data) :]
            text = data[: len(data) - len(rest)].decode(errors="replace")
            end = start + len(data) - len(rest)
            said = json.dumps({"offset": start, "text": text})
            yield f"id: {end}\nevent: log\ndata: {said}\n\n"
            start = end
    known = await parts.logs.length(identity)
    if known is None or known.closed:
        # Otherwise it is this server that ends, and the reader goes on with another one.
        yield f"event: end\ndata: {json.dumps({'size': start + len(rest)})}\n\n"
    raise Ended


def _whole(data: bytes) -> int:
    """Return how many bytes of *data* end with a whole character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) if back >= size else len(data) - back
    return len(data)
