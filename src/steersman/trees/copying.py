"""Writing a tree as files of this machine."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from steersman.trees.base import READ, WRITE, Entry, Kind, is_gone, unreadable, unwritable


def copy(entries: Sequence[Entry], into: Path, *, move: bool = False) -> None:
    """Write *entries* below the folder *into*; what stands there under their names is replaced.

    Folders that are missing on the way are made. A file that vanished since it was listed is left
    out, and so are its links. With *move* files are taken from where they are instead, which must
    be ours alone and of the same file system.
    """
    top = os.fspath(into)
    try:
        os.makedirs(top, exist_ok=True)
        for entry in entries:
            if not (move and _moved(entry, f"{top}/{entry.name}")):
                _place(entry, f"{top}/{entry.name}" if entry.name else top, top)
        # Last, since nothing could be written into a folder that is read-only.
        for entry in reversed(entries):
            if entry.kind is Kind.FOLDER:
                path = f"{top}/{entry.name}" if entry.name else top
                os.chmod(path, entry.mode | 0o700)
    except OSError as error:
        raise unwritable(error.filename or top, error) from error


def _moved(entry: Entry, path: str) -> bool:
    """Move a file that needs no more than that."""
    if entry.kind is not Kind.FILE or entry.source is None or isinstance(entry.source, bytes):
        return False
    try:
        os.rename(entry.source, path)
    except OSError:
        return False
    os.chmod(path, entry.mode)
    return True


def _place(entry: Entry, path: str, top: str) -> None:
    """Write one entry, first making room for it where that is needed."""
    try:
        _write(entry, path, top)
    except FileExistsError:
        os.unlink(path)
        _write(entry, path, top)
    except FileNotFoundError:
        if entry.kind is Kind.HARDLINK and os.path.isdir(os.path.dirname(path)):
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(entry, path, top)


def _write(entry: Entry, path: str, top: str) -> None:
    match entry.kind:
        case Kind.FILE:
            _write_file(entry, path)
        case Kind.FOLDER:
            if os.path.islink(path) or not os.path.isdir(path):
                os.mkdir(path)
        case Kind.SYMLINK:
            os.symlink(entry.target, path)
        case Kind.HARDLINK:
            os.link(f"{top}/{entry.target}", path, follow_symlinks=False)


def _write_file(entry: Entry, path: str) -> None:
    if entry.source is None or isinstance(entry.source, bytes):
        out = os.open(path, WRITE, 0o600)
        try:
            write_all(out, memoryview(entry.source or b""))
            _finish(out, entry)
        finally:
            os.close(out)
        return
    try:
        source = os.open(entry.source, READ)
    except OSError as error:
        if is_gone(error):
            return
        raise unreadable(entry.source, error) from error
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            return
        out = os.open(path, WRITE, 0o600)
        try:
            copy_bytes(source, out, entry.size)
            _finish(out, entry)
        finally:
            os.close(out)
    finally:
        os.close(source)


def _finish(out: int, entry: Entry) -> None:
    os.fchmod(out, entry.mode)
    if entry.modified:
        os.utime(out, (entry.modified, entry.modified))


_NOT_HERE = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF)


def copy_bytes(source: int, out: int, size: int) -> None:
    """Copy at most *size* bytes between two descriptors, in the kernel where it can."""
    missing = size
    while missing > 0:
        try:
            done = os.copy_file_range(source, out, missing)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            return _through_memory(source, out, missing)
        if not done:
            # The end of the file, or a file system that cannot and does not say so.
            return _through_memory(source, out, missing)
        missing -= done
    return None


def _through_memory(source: int, out: int, size: int) -> None:
    while size > 0 and (piece := os.read(source, min(size, 1 << 20))):
        write_all(out, memoryview(piece))
        size -= len(piece)


def write_all(out: int, data: memoryview) -> None:
    """Write *data*, in as many calls as it takes."""
    while data:
        data = data[os.write(out, data) :]
