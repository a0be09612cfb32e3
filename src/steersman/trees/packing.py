"""Making a tar archive of a tree, quickly: 20,000 small files in well under a second.

The plain header is written by hand, since it is what nearly every entry needs and tarfile takes ten
times as long for it; whatever does not fit into one is left to tarfile.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from os import PathLike

from steersman.core.errors import UserError
from steersman.trees.base import Entry, Kind

PIECE = 256 * 1024
BLOCK = 512
_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.FOLDER: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
}
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def pack(
    entries: Iterable[Entry], *, prefix: str = "", uid: int = 0, gid: int = 0
) -> Iterator[bytes]:
    """Yield the archive of *entries*, their names below *prefix*, in pieces of about 256 KiB.

    A file that grows or shrinks meanwhile is cut or filled up with zeros to the size it had, also
    one that vanished.
    """
    waiting: list[bytes] = []
    size = 0
    for entry in entries:
        for piece in _packed(entry, prefix, uid, gid):
            waiting.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield b"".join(waiting)
                waiting, size = [], 0
    yield b"".join((*waiting, bytes(2 * BLOCK)))


def _packed(entry: Entry, prefix: str, uid: int, gid: int) -> Iterator[bytes]:
    name = _joined(prefix, entry.name)
    target = _joined(prefix, entry.target) if entry.kind is Kind.HARDLINK else entry.target
    if entry.kind is Kind.FOLDER:
        name = f"{name}/" if name else "./"
    yield _header(entry, name, target, uid, gid)
    if entry.kind is Kind.FILE and entry.size:
        yield from _content(entry)


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}/{name}" if prefix and name else prefix or name


def _header(entry: Entry, name: str, target: str, uid: int, gid: int) -> bytes:
    raw, link = os.fsencode(name), os.fsencode(target)
    size = entry.size if entry.kind is Kind.FILE else 0
    modified = int(entry.modified)
    small = len(raw) <= 100 and len(link) <= 100 and raw.isascii() and link.isascii()
    if not small or size >= 1 << 33 or not 0 <= modified < 1 << 33 or max(uid, gid) >= 1 << 21:
        return _long_header(entry, name, target, uid, gid)
    numbers = (entry.mode & 0o7777, uid, gid, size, modified)
    head = raw.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % numbers
    tail = _TYPES[entry.kind] + link.ljust(100, b"\0") + b"ustar\x0000"
    # The checksum counts its own eight bytes as blanks.
    total = sum(head) + sum(tail) + 8 * 32
    return (head + b"%06o\0 " % total + tail).ljust(BLOCK, b"\0")


def _long_header(entry: Entry, name: str, target: str, uid: int, gid: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = _TYPES[entry.kind], target
    info.mode, info.uid, info.gid = entry.mode & 0o7777, uid, gid
    info.size = entry.size if entry.kind is Kind.FILE else 0
    info.mtime = int(entry.modified)
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(entry: Entry) -> Iterator[bytes]:
    """Yield exactly the bytes the header promised, and the rest of their last block."""
    if isinstance(entry.source, bytes):
        yield entry.source
    else:
        assert entry.source is not None  # noqa: S101 - a file has one by its definition
        yield from _file(entry.source, entry.size)
    yield bytes(-entry.size % BLOCK)


def _file(path: str | PathLike[str], size: int) -> Iterator[bytes]:
    missing = size
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        descriptor = None
    except OSError as error:
        raise UserError(
            f"cannot read {os.fspath(path)}: {error.strerror}",
            hint="name it in .werckerignore, or change its permissions",
        ) from error
    if descriptor is not None:
        try:
            while missing and (piece := os.read(descriptor, min(PIECE, missing))):
                missing -= len(piece)
                yield piece
        finally:
            os.close(descriptor)
    while missing:
        piece = bytes(min(PIECE, missing))
        missing -= len(piece)
        yield piece
