"""Reading a tar archive that comes in pieces: ustar, GNU and pax, nothing of it believed."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol, TypeVar

from steersman.trees.base import Damaged

T = TypeVar("T")
Need = Generator[None, None, T]
"""Something that yields whenever it needs the next piece."""
BLOCK = 512
MAX_HEADER = 1 << 20
"""No name is longer; a header that says so is not believed."""


class Member(NamedTuple):
    """One member as its header has it. *why* says what keeps it from being taken, if anything."""

    type: bytes
    name: str
    target: str
    size: int
    mode: int
    modified: float
    why: str | None = None


class Sink(Protocol):
    """Where members go."""

    def begin(self, member: Member) -> Callable[[memoryview], None] | None:
        """Take a member; return what takes its content, None where that is not wanted."""

    def end(self) -> None:
        """Finish the member that was begun last."""


class Input:
    """The bytes that have come and are not read yet."""

    def __init__(self) -> None:
        self.piece = memoryview(b"")

    def some(self, size: int) -> Need[memoryview]:
        """Return some bytes, at most *size*."""
        while not self.piece:
            yield
        taken, self.piece = self.piece[:size], self.piece[size:]
        return taken

    def exactly(self, size: int) -> Need[bytes]:
        """Return *size* bytes."""
        if len(self.piece) >= size:
            taken, self.piece = self.piece[:size], self.piece[size:]
            return bytes(taken)
        parts: list[memoryview] = []
        while size:
            parts.append((yield from self.some(size)))
            size -= len(parts[-1])
        return b"".join(parts)

    def hand_on(self, size: int, write: Callable[[memoryview], None] | None) -> Need[None]:
        """Hand *size* bytes on and drop the rest of their last block."""
        padding = -size % BLOCK
        while size:
            part = yield from self.some(size)
            if write is not None:
                write(part)
            size -= len(part)
        yield from self.exactly(padding)


def members(source: Input, sink: Sink, strip: int) -> Need[None]:
    """Read all members and give them to *sink*, less *strip* components of their names."""
    while (member := (yield from _next_member(source))) is not None:
        write = sink.begin(_cleaned(member, strip))
        try:
            yield from source.hand_on(member.size, write)
        finally:
            sink.end()


def _cleaned(member: Member, strip: int) -> Member:
    name, target = _inside(member.name, strip), member.target
    if member.type == tarfile.LNKTYPE:
        target = _inside(target, strip) or ""
    if name is None:
        return member._replace(why="a name that leads outside")
    if "\0" in name + target:
        return member._replace(why="a name with a NUL in it")
    return member._replace(name=name, target=target)


def _inside(name: str, strip: int) -> str | None:
    """Return *name* without what is dropped; None when it would lead outside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith("/"):
        return None
    return "/".join(parts[strip:])


def _next_member(source: Input) -> Need[Member | None]:
    """Read the next header with the extended ones before it; None at the archive's end."""
    extended: dict[str, str] = {}
    while True:
        block = yield from source.exactly(BLOCK)
        if not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise Damaged(f"this is no tar archive: {error}") from error
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            extended |= _records((yield from _header_data(source, info)))
        elif info.type == tarfile.XGLTYPE:
            yield from _header_data(source, info)
        elif info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
            data = yield from _header_data(source, info)
            extended[key] = os.fsdecode(data.partition(b"\0")[0])
        else:
            if info.type == tarfile.GNUTYPE_SPARSE:
                yield from _skip_sparse_map(source, block[482])
            return _member(info, extended)


def _header_data(source: Input, info: tarfile.TarInfo) -> Need[bytes]:
    if not 0 <= info.size <= MAX_HEADER:
        raise Damaged("the archive has a header that is too long")
    data = yield from source.exactly(info.size)
    yield from source.exactly(-info.size % BLOCK)
    return data


def _skip_sparse_map(source: Input, more: int) -> Need[None]:
    """Pass over the blocks by which GNU tar says where the holes of a file are."""
    while more:
        more = (yield from source.exactly(BLOCK))[504]


def _records(data: bytes) -> dict[str, str]:
    """Read the records `LENGTH KEY=VALUE` of a pax header."""
    found: dict[str, str] = {}
    while data:
        length, _, _ = data[:20].partition(b" ")
        if not length.isdigit() or not len(length) + 2 < int(length) <= len(data):
            raise Damaged("the archive has a damaged pax header")
        record, data = data[len(length) + 1 : int(length) - 1], data[int(length) :]
        key, _, value = record.partition(b"=")
        found[os.fsdecode(key)] = os.fsdecode(value)
    return found


def _member(info: tarfile.TarInfo, extended: dict[str, str]) -> Member:
    size = info.size
    if text := extended.get("size", ""):
        size = int(text) if text.isdecimal() and len(text) < 20 else -1
    if not info.isreg() and info.type in tarfile.SUPPORTED_TYPES:
        size = 0
    if size < 0:
        raise Damaged("the archive has a member whose size makes no sense")
    name = extended.get("GNU.sparse.name") or extended.get("path", info.name)
    sparse = info.type == tarfile.GNUTYPE_SPARSE or "GNU.sparse" in "".join(extended)
    why = "a file with holes" if sparse else None
    if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
        why = "a pipe, a socket or a device"
    target = extended.get("linkpath", info.linkname)
    modified = _time(extended.get("mtime"), info.mtime)
    return Member(info.type, name, target, size, info.mode, modified, why)


def _time(text: str | None, otherwise: float) -> float:
    """Return a time that a file may have; a stranger may have written any number."""
    try:
        seconds = float(text or otherwise)
    except (ValueError, OverflowError):
        return 0.0
    return seconds if 0 <= seconds < 1 << 34 else 0.0
