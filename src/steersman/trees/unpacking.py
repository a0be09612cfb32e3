"""Taking in a tar stream that a hostile box may have filled.

The folder is new and only we write to it, so what may be written through is known: folders made
here. A member below anything else, a link out, a pipe or a device is left out and named.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tarfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from steersman.trees.base import Collected, Count, Limits
from steersman.trees.copying import WRITE

BLOCK = 512
MAX_HEADER = 1 << 20
"""No name is longer; a header that says so is not believed."""


class Damaged(Exception):
    """What came is no tar archive, or it ended in the middle."""


async def unpack(
    pieces: AsyncIterable[bytes], into: Path, limits: Limits, *, strip: int = 0
) -> Collected:
    """Unpack a tar stream into the new folder *into*; raise `TooLarge` past *limits*.

    *strip* leading components of each name are dropped. Modes are kept, but for set-id bits and
    for what would keep us from deleting it all again. Nothing is left behind after an error.
    """
    stream = _Stream(aiter(pieces), asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(_unpack, stream, into, limits, strip)
    except BaseException:
        stream.stopped = True
        await asyncio.to_thread(shutil.rmtree, into, ignore_errors=True)
        raise


class _Stream:
    """Reads exact amounts, in a thread, from an asynchronous iterator of pieces."""

    def __init__(self, pieces: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self.stopped = False
        self._pieces = pieces
        self._loop = loop
        self._piece = memoryview(b"")

    def take(self, size: int) -> memoryview:
        """Return at most *size* bytes; none at the end."""
        while not self._piece:
            if self.stopped:
                raise Damaged("the reader has left")
            try:
                coming = asyncio.run_coroutine_threadsafe(_next(self._pieces), self._loop)
                self._piece = memoryview(coming.result())
            except StopAsyncIteration:
                break
            if not self._piece:
                break
        taken, self._piece = self._piece[:size], self._piece[size:]
        return taken

    def exactly(self, size: int) -> bytes:
        """Return *size* bytes."""
        parts: list[memoryview] = []
        while size and (part := self.take(size)):
            parts.append(part)
            size -= len(part)
        if size:
            raise Damaged("the archive ends in the middle")
        return b"".join(parts)

    def copy(self, size: int, write: Callable[[memoryview], object]) -> None:
        """Hand *size* bytes on and drop the rest of their last block."""
        padding = -size % BLOCK
        while size:
            part = self.take(size)
            if not part:
                raise Damaged("the archive ends in the middle")
            write(part)
            size -= len(part)
        self.exactly(padding)


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(pieces)
    except StopAsyncIteration:
        return b""


class _Member(NamedTuple):
    info: tarfile.TarInfo
    name: str
    target: str
    sparse: bool = False


def _unpack(stream: _Stream, into: Path, limits: Limits, strip: int) -> Collected:
    into.mkdir(parents=True)
    writer = _Writer(into, limits)
    while (member := _read_member(stream)) is not None:
        name = _cleaned(member.name, strip)
        if name is None:
            writer.count.skip(member.name, "a name that leads outside")
            stream.copy(member.info.size, lambda part: None)
        else:
            writer.write(member, name, _cleaned(member.target, strip), stream)
    writer.finish()
    return writer.count.collected()


def _cleaned(name: str, strip: int) -> str | None:
    """Return *name* without what is dropped; None when it would lead outside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith("/"):
        return None
    return "/".join(parts[strip:])


def _read_member(stream: _Stream) -> _Member | None:
    """Read the next header with the extended ones before it; None at the archive's end."""
    extended: dict[str, str] = {}
    while True:
        block = stream.exactly(BLOCK)
        if not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise Damaged(f"a damaged header: {error}") from error
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            extended |= _records(_header_data(stream, info))
        elif info.type == tarfile.XGLTYPE:
            _header_data(stream, info)
        elif info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
            extended[key] = os.fsdecode(_header_data(stream, info).rstrip(b"\0"))
        else:
            return _member(info, extended)


def _header_data(stream: _Stream, info: tarfile.TarInfo) -> bytes:
    if not 0 <= info.size <= MAX_HEADER:
        raise Damaged("a header that is too long")
    data = stream.exactly(info.size)
    stream.exactly(-info.size % BLOCK)
    return data


def _records(data: bytes) -> dict[str, str]:
    """Read the records `LENGTH KEY=VALUE` of a pax header."""
    found: dict[str, str] = {}
    while data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(data):
            raise Damaged("a damaged pax header")
        record, data = data[len(length) + 1 : int(length) - 1], data[int(length) :]
        key, _, value = record.partition(b"=")
        found[os.fsdecode(key)] = os.fsdecode(value)
    return found


def _member(info: tarfile.TarInfo, extended: dict[str, str]) -> _Member:
    size = extended.get("size", "")
    if size:
        info.size = int(size) if size.isdigit() else -1
    if info.size < 0 or (info.isdir() and info.size):
        raise Damaged("a size that makes no sense")
    if not info.isreg():
        info.size = 0
    sparse = info.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse") for key in extended
    )
    return _Member(
        info, extended.get("path", info.name), extended.get("linkpath", info.linkname), sparse
    )


class _Writer:
    """Writes members below a folder, knowing what it has made there."""

    def __init__(self, into: Path, limits: Limits) -> None:
        self.count = Count(limits)
        self._top = os.fspath(into)
        self._folders: dict[str, int] = {"": 0o755}
        self._files: set[str] = set()

    def write(self, member: _Member, name: str, target: str | None, stream: _Stream) -> None:
        """Write one member, or leave it out; its content is read in any case."""
        info = member.info
        why = self._refused(member, name, target)
        if why is not None:
            self.count.skip(member.name, why)
            stream.copy(info.size, lambda part: None)
            return
        self.count.entry(info.size)
        path = f"{self._top}/{name}" if name else self._top
        if info.isdir():
            self._folders[name] = info.mode
            return
        self._make_room(name, path)
        if info.issym():
            os.symlink(member.target, path)
        elif info.islnk():
            os.link(f"{self._top}/{target}", path, follow_symlinks=False)
            self._files.add(name)
        else:
            self._write_file(info, path, stream)
            self._files.add(name)
        self.count.files += 1

    def _refused(self, member: _Member, name: str, target: str | None) -> str | None:
        info = member.info
        if member.sparse:
            return "a sparse file"
        if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
            return "a pipe or a device"
        if not name and not info.isdir():
            return "not a folder"
        if info.islnk() and target not in self._files:
            return "a hard link to something else"
        parent = name if info.isdir() else name.rpartition("/")[0]
        if not self._make_folder(parent):
            return "it stands below something that is no folder"
        return "in the place of a folder" if not info.isdir() and name in self._folders else None

    def _make_folder(self, name: str) -> bool:
        """Make sure that *name* is a folder made here."""
        if name in self._folders:
            return True
        if not self._make_folder(name.rpartition("/")[0]):
            return False
        try:
            os.mkdir(f"{self._top}/{name}", 0o700)
        except FileExistsError:
            return False
        self._folders[name] = 0o755
        return True

    def _make_room(self, name: str, path: str) -> None:
        """Remove an earlier member of the same name."""
        if os.path.lexists(path):
            os.unlink(path)
            self._files.discard(name)

    def _write_file(self, info: tarfile.TarInfo, path: str, stream: _Stream) -> None:
        out = os.open(path, WRITE, 0o600)
        try:
            stream.copy(info.size, lambda part: _write_all(out, part))
            os.fchmod(out, info.mode & 0o777 | 0o600)
            os.utime(out, (info.mtime, info.mtime))
        finally:
            os.close(out)

    def finish(self) -> None:
        """Give the folders their modes, last, so that none could keep us from writing into it."""
        for name, mode in self._folders.items():
            os.chmod(f"{self._top}/{name}" if name else self._top, mode & 0o777 | 0o700)


def _write_all(out: int, part: memoryview) -> None:
    while part:
        part = part[os.write(out, part) :]
