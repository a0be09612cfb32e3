"""Streams that a library takes in a task of its own, and that end well whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable


class Upload:
    """A stream on its way to the store, which takes it in a task of its own.

    A task that is cancelled would leave parts in the bucket: it is told to end instead.
    """

    def __init__(self, send: Callable[[AsyncIterator[bytes]], Awaitable[object]]) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._abandoned = False
        self._sending = asyncio.ensure_future(send(self._taken()))

    async def give(self, data: bytes | None) -> None:
        """Wait until *data* can be taken; raise what ended the upload."""
        giving = asyncio.ensure_future(self._waiting.put(data))
        try:
            await asyncio.wait({giving, self._sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving.cancel()
        if self._sending.done():
            self._sending.result()

    async def finish(self) -> None:
        """Wait until all of it is there."""
        await self.give(None)
        await asyncio.wait({self._sending})
        self._sending.result()

    async def abandon(self) -> None:
        """End the upload, with nothing left of it in the store."""
        self._abandoned = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)
        await asyncio.wait({self._sending})
        # Why it ended is known, or does not matter any more.
        self._sending.exception()

    async def _taken(self) -> AsyncIterator[bytes]:
        while (data := await self._waiting.get()) is not None:
            yield data
        if self._abandoned:
            raise _Abandoned


class _Abandoned(Exception):
    """Makes the library remove the parts that were sent."""
