"""Logs: bytes at offsets in, by offset or by line out, and followed while they grow.

Appends that come at the same time share one transaction; what is acknowledged is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from steersman.blobs.base import Blobs
from steersman.server.closing import closed
from steersman.store import logs as rows
from steersman.store.base import Row, Transaction
from steersman.store.logs import Length, Piece
from steersman.store.sql import Store

INLINE = 32 * 1024
"""Pieces up to this size live in the database, larger ones among the blobs."""
READ = 256 * 1024
LONGEST_LINE = 64 * 1024
"""Of a longer line a viewer gets the beginning."""


class Answered(NamedTuple):
    """How much of the log is kept now; *gap* says that what came does not follow on it."""

    size: int
    gap: bool = False


class Line(NamedTuple):
    """A line without its end; *at* is when its piece was sent."""

    number: int
    text: bytes
    at: float


class Logs:
    """The logs of all attempts."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self.store = store
        self.blobs = blobs
        self._waiting: list[tuple[Piece, asyncio.Future[tuple[int, bool]]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def append(self, attempt: str, offset: int, data: bytes, at: float) -> Answered:
        """Keep *data*, which begins at *offset*; sent again it is kept once."""
        if len(data) > INLINE:
            return await self._append_large(attempt, offset, data, at)
        piece = Piece(attempt, offset, len(data), data.count(b"\n"), at, data)
        size, added = await self._add(piece)
        if added or offset + len(data) <= size:
            return Answered(size)
        if offset >= size:
            # What would follow was not added: the log is closed, or nobody knows it.
            return Answered(size, gap=offset > size)
        return await self.append(attempt, size, data[size - offset :], at)

    async def _append_large(self, attempt: str, offset: int, data: bytes, at: float) -> Answered:
        known = await self.length(attempt)
        size = known.size if known else 0
        if offset > size:
            return Answered(size, gap=True)
        data = data[size - offset :]
        if not data or known is None or known.closed:
            return Answered(size)
        key = f"logs/{attempt}/{size:020d}"
        await self.blobs.put_bytes(key, data)
        lines = data.count(b"\n")
        size, _ = await self._add(Piece(attempt, size, len(data), lines, at, blob=key))
        return Answered(size)

    async def _add(self, piece: Piece) -> tuple[int, bool]:
        """Add *piece* together with whatever else waits."""
        future: asyncio.Future[tuple[int, bool]] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.ensure_future(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            pieces = [piece for piece, _ in batch]
            try:
                results = await self.store.write(partial(_append_all, pieces))
            except BaseException as error:  # noqa: BLE001 - whoever waits is told
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    async def length(self, attempt: str) -> Length | None:
        """Return how long a log is, None for an attempt nobody knows."""
        return await self.store.read(lambda tx: rows.length(tx, attempt))

    async def read(
        self, attempt: str, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[bytes]:
        """Give what is kept from *start* up to *stop*."""
        while stop is None or start < stop:
            found = await self.store.read(partial(rows.pieces, attempt=attempt, start=start))
            if not found:
                return
            for row in found:
                end = row["stop"] if stop is None else min(stop, row["stop"])
                async with closed(
                    self._bytes(row, start - row["start"], end - row["start"])
                ) as pieces:
                    async for data in pieces:
                        yield data
                start = end
                if stop is not None and start >= stop:
                    return

    async def _bytes(self, row: Row, start: int, stop: int) -> AsyncIterator[bytes]:
        if row["blob"] is None:
            yield row["data"][start:stop]
            return
        async with closed(self.blobs.get(row["blob"], start, stop)) as pieces:
            async for data in pieces:
                yield data

    async def follow(self, attempt: str, start: int = 0) -> AsyncIterator[bytes]:
        """Give what is kept from *start*, and then what comes, until the log is closed.

        An empty piece is given when nothing came for a while, so that a reader that left is seen.
        """
        woken = asyncio.Event()
        stop = self.store.waking.listen(rows.topic(attempt), woken.set)
        try:
            while True:
                woken.clear()
                known = await self.length(attempt)
                if known is None:
                    return
                async with closed(self.read(attempt, start, known.size)) as pieces:
                    async for data in pieces:
                        start += len(data)
                        yield data
                if known.closed or self.store.waking.closed:
                    return
                try:
                    async with asyncio.timeout(10.0):
                        await woken.wait()
                except TimeoutError:
                    yield b""
        finally:
            stop()

    async def lines(self, attempt: str, first: int, count: int) -> list[Line]:
        """Return *count* lines from *first* (from 0); the last may still grow."""
        row = await self.store.read(lambda tx: rows.piece_of_line(tx, attempt, first))
        if row is None:
            return []
        number, text, at = row["first_line"], bytearray(), row["at"]
        found: list[Line] = []
        # A piece may begin in the middle of a line, which then is not wanted.
        async with closed(self.read(attempt, row["start"])) as pieces:
            async for data in pieces:
                parts = _split(data) if b"\r" in data else data.splitlines(keepends=True)
                for part in parts:
                    if number >= first and len(text) < LONGEST_LINE:
                        text += part
                    if part.endswith(b"\n"):
                        if number >= first:
                            found.append(Line(number, bytes(text[:LONGEST_LINE]).rstrip(b"\n"), at))
                        text.clear()
                        number += 1
                        if len(found) >= count:
                            return found
        if text and number >= first:
            found.append(Line(number, bytes(text[:LONGEST_LINE]), at))
        return found


def _split(data: bytes) -> list[bytes]:
    """Split at newlines alone: a carriage return is part of its line."""
    parts = [part + b"\n" for part in data.split(b"\n")]
    last = parts.pop()[:-1]
    return [*parts, last] if last else parts


def _append_all(pieces: list[Piece], tx: Transaction) -> list[tuple[int, bool]]:
    return [rows.append(tx, piece) for piece in pieces]
