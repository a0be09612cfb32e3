"""Making a tar archive of a tree, quickly: 20,000 small files in well under a second.

The plain header is written by hand, since it is what nearly every entry needs and tarfile takes ten
times as long for it; whatever does not fit into one is left to tarfile.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator

from steersman.trees.base import READ, Entry, Kind, unreadable

PIECE = 256 * 1024
BLOCK = 512
_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.FOLDER: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
}


def pack(
    entries: Iterable[Entry], *, prefix: str = "", uid: int = 0, gid: int = 0
) -> Iterator[bytes]:
    """Yield the archive of *entries*, their names below *prefix*, in pieces of about 256 KiB.

    A file is as long as it is when it is opened: what it grows by afterwards is left out, what it
    shrinks by is zeros. One that vanished since it was listed is left out, and so are its links.
    """
    waiting: list[bytes] = []
    size = 0
    for piece in _Packer(prefix, uid, gid).pieces(entries):
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join((*waiting, bytes(2 * BLOCK)))


class _Packer:
    def __init__(self, prefix: str, uid: int, gid: int) -> None:
        self._prefix = prefix
        self._uid = uid
        self._gid = gid
        self._vanished: set[str] = set()

    def pieces(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """Yield headers and contents."""
        for entry in entries:
            if entry.kind is Kind.FILE:
                yield from self._file(entry)
            elif entry.kind is not Kind.HARDLINK or entry.target not in self._vanished:
                yield self._header(entry, 0)

    def _file(self, entry: Entry) -> Iterator[bytes]:
        if entry.source is None or isinstance(entry.source, bytes):
            content = entry.source or b""
            yield self._header(entry, len(content))
            yield content
            yield bytes(-len(content) % BLOCK)
            return
        try:
            source = os.open(entry.source, READ)
        except FileNotFoundError:
            self._vanished.add(entry.name)
            return
        except OSError as error:
            raise unreadable(entry.source, error) from error
        try:
            yield from self._opened(entry, source)
        finally:
            os.close(source)

    def _opened(self, entry: Entry, source: int) -> Iterator[bytes]:
        seen = os.fstat(source)
        if not stat.S_ISREG(seen.st_mode):
            self._vanished.add(entry.name)
            return
        yield self._header(entry, seen.st_size)
        missing = seen.st_size
        while missing and (piece := os.read(source, min(PIECE, missing))):
            missing -= len(piece)
            yield piece
        while missing > PIECE:
            missing -= PIECE
            yield bytes(PIECE)
        yield bytes(missing + -seen.st_size % BLOCK)

    def _header(self, entry: Entry, size: int) -> bytes:
        name = self._below(entry.name)
        target = self._below(entry.target) if entry.kind is Kind.HARDLINK else entry.target
        if entry.kind is Kind.FOLDER:
            name = f"{name}/" if name else "./"
        raw, link, modified = os.fsencode(name), os.fsencode(target), int(entry.modified)
        plain = len(raw) <= 100 and len(link) <= 100 and raw.isascii() and link.isascii()
        fits = size < 1 << 33 and 0 <= modified < 1 << 33 and max(self._uid, self._gid) < 1 << 21
        if not plain or not fits:
            return self._long_header(entry, name, target, size)
        numbers = (entry.mode & 0o7777, self._uid, self._gid, size, modified)
        head = raw.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % numbers
        tail = _TYPES[entry.kind] + link.ljust(100, b"\0") + b"ustar\x0000"
        # The checksum counts its own eight bytes as blanks.
        total = sum(head) + sum(tail) + 8 * 32
        return (head + b"%06o\0 " % total + tail).ljust(BLOCK, b"\0")

    def _long_header(self, entry: Entry, name: str, target: str, size: int) -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = _TYPES[entry.kind], target
        info.mode, info.uid, info.gid = entry.mode & 0o7777, self._uid, self._gid
        info.size, info.mtime = size, int(entry.modified)
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")

    def _below(self, name: str) -> str:
        prefix = self._prefix
        return f"{prefix}/{name}" if prefix and name else prefix or name
