"""Server-sent events: text that comes as long as somebody reads and this server stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Send

HEARTBEAT = 15.0


class Streamed(StreamingResponse):
    """Closes what it streams when the reader breaks off: files behind it are let go at once."""

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()


class Ended(Exception):
    """Nothing will come any more."""


def sse(request: Request, events: AsyncIterator[str]) -> Response:
    """Return *events* as a stream; a comment now and then keeps proxies from closing it."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Streamed(_kept_alive(request, events), media_type="text/event-stream", headers=headers)


async def _kept_alive(request: Request, events: AsyncIterator[str]) -> AsyncIterator[str]:
    closing: asyncio.Event = request.app.state.closing
    yield "retry: 1000\n\n"
    ending = asyncio.ensure_future(closing.wait())
    coming: asyncio.Future[str] | None = None
    try:
        while not closing.is_set():
            coming = coming or asyncio.ensure_future(_next(events))
            both: set[asyncio.Future[Any]] = {coming, ending}
            await asyncio.wait(both, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                try:
                    text = coming.result()
                except (StopAsyncIteration, Ended):
                    return
                coming = None
                yield text
            elif not closing.is_set():
                yield ": still here\n\n"
    finally:
        ending.cancel()
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Ended):
                await coming


async def _next(events: AsyncIterator[str]) -> str:
    try:
        return await anext(events)
    except StopAsyncIteration:
        raise Ended from None
