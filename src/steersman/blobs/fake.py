"""A blobs door for tests: a dict, and faults when they are wanted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from steersman.blobs.base import (
    PIECE,
    Found,
    Missing,
    Stored,
    Tally,
    check_key,
    check_listing,
    check_range,
    once,
)
from steersman.core.errors import Unavailable


class FakeBlobs:
    """Keeps everything in memory. While *down* is set everything raises `Unavailable`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.down = False
        self._failures = 0
        self._clock = clock
        self._blobs: dict[str, tuple[bytes, float]] = {}

    def fail_next(self, times: int = 1) -> None:
        """Let the next *times* operations raise `Unavailable`; a put fails after its last piece."""
        self._failures = times

    async def put(self, key: str, pieces: AsyncIterator[bytes], limit: int | None = None) -> Stored:
        tally = Tally(key, limit)
        data = b"".join([batch async for batch in tally.batches(pieces, PIECE)])
        self._answer()
        self._blobs[key] = (data, self._clock())
        return tally.stored()

    async def put_bytes(self, key: str, data: bytes) -> None:
        await self.put(key, once(data))

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        check_range(start, stop)
        self._answer()
        if key not in self._blobs:
            raise Missing(f"there is no blob {key}")
        data = self._blobs[key][0][start:stop]
        for begin in range(0, len(data), PIECE):
            yield data[begin : begin + PIECE]

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        return b"".join([piece async for piece in self.get(key, start, stop)])

    async def size(self, key: str) -> int | None:
        check_key(key)
        self._answer()
        return len(self._blobs[key][0]) if key in self._blobs else None

    async def delete(self, key: str) -> None:
        check_key(key)
        self._answer()
        self._blobs.pop(key, None)

    async def keys(self, prefix: str, after: str = "", limit: int = 1000) -> list[Found]:
        check_listing(prefix, after)
        self._answer()
        names = sorted(key for key in self._blobs if key.startswith(prefix) and key > after)
        return [Found(key, len(self._blobs[key][0]), self._blobs[key][1]) for key in names[:limit]]

    async def check(self) -> None:
        self._answer()

    async def close(self) -> None:
        return None

    def _answer(self) -> None:
        if self._failures:
            self._failures -= 1
            raise Unavailable("the blob store fails, as this test wants it")
        if self.down:
            raise Unavailable("the blob store is down, as this test wants it")
