"""Blobs as files below a folder: the store of one machine.

A blob is written to a file beside the others and renamed when it is whole. That survives a
`kill -9` at any instant; a power cut may take what was put in the last seconds, and leave a file
that is empty or short, unless the store is made with *sync*. The folder is for this store alone,
on one file system that tells small letters from capitals; several processes may share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from itertools import islice
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from steersman.blobs.base import (
    CHECK,
    PIECE,
    Found,
    Missing,
    Stored,
    Tally,
    check_key,
    check_listing,
    check_range,
    is_key,
)
from steersman.blobs.parts import PARTS, Part
from steersman.core.errors import Unavailable

BATCH = 4 * PIECE
"""Bytes that are written at once: a thread for each small piece would cost more than the disk."""
STALE = 24 * 3600.0
FOLDER = "+"
"""Ends the name of every folder, so that `a` and `a/b` can both be there."""
P = ParamSpec("P")
T = TypeVar("T")


class FolderBlobs:
    """Keeps each blob in a file below *root*, which is made when it is first written to."""

    def __init__(self, root: Path, *, sync: bool = False) -> None:
        self._root = root
        self._sync = sync

    async def put(self, key: str, pieces: AsyncIterator[bytes], limit: int | None = None) -> Stored:
        tally = Tally(key, limit)
        part = Part(self._root, sync=self._sync)
        try:
            async with aclosing(tally.batches(pieces, BATCH)) as batches:
                async for batch in batches:
                    await self._do(part.write, batch)
            await self._do(part.finish, _path(key))
        except BaseException:
            await self._do(part.abandon)
            raise
        return tally.stored()

    async def put_bytes(self, key: str, data: bytes) -> None:
        check_key(key)
        await self._do(Part(self._root, sync=self._sync).put, data, _path(key))

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        check_range(start, stop)
        opening = asyncio.ensure_future(self._do(_opened, self._root / _path(key), start))
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on, and what it opens is nobody's.
            opening.add_done_callback(_closed)
            raise
        if file is None:
            raise Missing(f"there is no blob {key}")
        try:
            left = PIECE if stop is None else max(0, stop - start)
            while piece := await self._do(file.read, min(PIECE, left)):
                yield piece
                if stop is not None:
                    left -= len(piece)
        finally:
            # In a thread, after a cancellation another one may still be reading; and to its end,
            # though whoever waits for it is cancelled as well.
            loop = asyncio.get_running_loop()
            await asyncio.shield(loop.run_in_executor(None, file.close))

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        return b"".join([piece async for piece in self.get(key, start, stop)])

    async def size(self, key: str) -> int | None:
        check_key(key)
        return await self._do(_size, self._root / _path(key))

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._do(_delete, self._root, _path(key))

    async def keys(self, prefix: str, after: str = "", limit: int = 1000) -> list[Found]:
        folder = check_listing(prefix, after)
        top = f"{folder}/" if folder else ""

        def listed() -> list[Found]:
            return list(islice(_walk(self._root / _path(top), top, prefix, after), limit))

        return await self._do(listed)

    async def check(self) -> None:
        await self.put_bytes(CHECK, b"?")
        await self.delete(CHECK)

    async def close(self) -> None:
        return None

    async def sweep(self, now: float) -> int:
        """Remove what puts of killed processes left more than a day ago; return how much it was."""
        return await self._do(_sweep, self._root / PARTS, now - STALE)

    async def _do(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Act in a thread, with the errors of the file system in words."""
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise Unavailable(
                f"the blob store {self._root} does not work: {error.strerror or error}",
                hint="make room on its disk" if full else "look at the folder and its permissions",
            ) from error


def _closed(opening: asyncio.Future[IO[bytes] | None]) -> None:
    """Close what was opened for somebody who is gone."""
    if not opening.cancelled() and opening.exception() is None and (file := opening.result()):
        file.close()


def _path(key: str) -> Path:
    """Return where *key* is below the root; a key that ends in `/` is a folder."""
    return Path(key.replace("/", f"{FOLDER}/"))


def _opened(path: Path, start: int) -> IO[bytes] | None:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    file.seek(start)
    return file


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _delete(root: Path, path: Path) -> None:
    try:
        (root / path).unlink()
    except FileNotFoundError:
        return
    for folder in path.parents[:-1]:
        try:
            (root / folder).rmdir()
        except OSError:
            return


def _walk(folder: Path, top: str, prefix: str, after: str) -> Iterator[Found]:
    """List what is in *folder*, whose keys begin with *top*; look into no folder in vain."""
    for key, entry in sorted(_entries(folder, top)):
        if not key.startswith(prefix):
            continue
        if key.endswith("/"):
            if after[: len(key)] <= key:
                yield from _walk(Path(entry.path), key, prefix, after)
        elif key > after:
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat()
                yield Found(key, status.st_size, status.st_mtime)


def _entries(folder: Path, top: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Give the keys in *folder*; a folder in it ends in `/`, as it does in longer keys."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and entry.name.endswith(FOLDER):
                yield f"{top}{entry.name.removesuffix(FOLDER)}/", entry
            elif not is_folder and is_key(entry.name):
                yield f"{top}{entry.name}", entry


def _sweep(parts: Path, before: float) -> int:
    """Remove the parts that were last written to before *before*."""
    swept = 0
    with contextlib.suppress(FileNotFoundError):
        for path in parts.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    swept += 1
    return swept
