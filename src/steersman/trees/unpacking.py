"""Taking in a tar stream that a hostile box may have filled.

The folder is new and only we write to it, so what may be written through is known: folders made
here. A member below anything else, a pipe or a device is left out and named. The stream is read
on the event loop and written in a thread, about a MiB at a time.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from steersman.trees.base import Collected, Count, Damaged, Limits, unwritable

if TYPE_CHECKING:
    from steersman.trees.reading import Need
    from steersman.trees.writing import Writer

BATCH = 1 << 20


async def unpack(
    pieces: AsyncIterable[bytes], into: Path, limits: Limits, *, strip: int = 0
) -> Collected:
    """Unpack a tar stream into the new folder *into*; raise `TooLarge` past *limits*.

    *strip* leading components of each name are dropped. Modes are kept, but for set-id bits and
    for what would keep us from deleting it all again. Nothing is left behind after an error.
    """
    unpacking = _Unpacking(into, limits, strip)
    try:
        batch: list[bytes] = []
        size = 0
        async for piece in pieces:
            batch.append(piece)
            size += len(piece)
            if size >= BATCH:
                if await asyncio.to_thread(unpacking.take, batch):
                    batch = []
                    break
                batch, size = [], 0
        return await asyncio.to_thread(unpacking.end, batch)
    except BaseException:
        await asyncio.to_thread(unpacking.abandon)
        raise


class _Unpacking:
    """One unpacking, driven from outside; a lock keeps cleaning up from overtaking writing."""

    def __init__(self, into: Path, limits: Limits, strip: int) -> None:
        # Most runs take nothing in, and these need tarfile.
        from steersman.trees import reading
        from steersman.trees.writing import Writer

        try:
            into.mkdir(parents=True)
        except OSError as error:
            raise unwritable(into, error) from error
        self._into = into
        self._count = Count(limits)
        writer = Writer(into, self._count)
        self._input = reading.Input()
        members = reading.members(self._input, writer, strip)
        self._reading = self._read(members, writer)
        self._lock = threading.Lock()
        self._ended = False
        next(self._reading)

    def _read(self, members: Need[None], writer: Writer) -> Need[None]:
        try:
            yield from members
            writer.finish()
        except OSError as error:
            raise unwritable(error.filename or self._into, error) from error

    def take(self, batch: Iterable[bytes]) -> bool:
        """Unpack what came; True once the archive has ended."""
        with self._lock:
            for piece in batch:
                if self._ended:
                    break
                self._input.piece = memoryview(piece)
                try:
                    next(self._reading)
                except StopIteration:
                    self._ended = True
            return self._ended

    def end(self, batch: Iterable[bytes]) -> Collected:
        """Unpack the last that came, which must end the archive."""
        if not self.take(batch):
            raise Damaged("the archive ends in the middle")
        return self._count.collected()

    def abandon(self) -> None:
        """Remove what was written."""
        with self._lock:
            self._ended = True
            self._reading.close()
            shutil.rmtree(self._into, ignore_errors=True)
