"""Writing a tree as files of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from steersman.trees.base import Entry, Kind
from steersman.trees.packing import _FLAGS as READ

WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def copy(entries: Sequence[Entry], into: Path) -> None:
    """Write *entries* below the folder *into*; what stands there under their names is replaced."""
    top = os.fspath(into)
    os.makedirs(top, exist_ok=True)
    folders: list[tuple[str, int]] = []
    for entry in entries:
        path = f"{top}/{entry.name}" if entry.name else top
        try:
            _write(entry, path, top)
        except FileExistsError:
            os.unlink(path)
            _write(entry, path, top)
        if entry.kind is Kind.FOLDER:
            folders.append((path, entry.mode))
    # Last, since nothing could be written into a folder that is read-only.
    for path, mode in reversed(folders):
        os.chmod(path, mode | 0o700)


def _write(entry: Entry, path: str, top: str) -> None:
    match entry.kind:
        case Kind.FOLDER:
            if not os.path.isdir(path) or os.path.islink(path):
                os.mkdir(path)
        case Kind.SYMLINK:
            os.symlink(entry.target, path)
        case Kind.HARDLINK:
            os.link(f"{top}/{entry.target}", path, follow_symlinks=False)
        case Kind.FILE:
            _write_file(entry, path)


def _write_file(entry: Entry, path: str) -> None:
    out = os.open(path, WRITE, 0o600)
    try:
        if isinstance(entry.source, bytes):
            os.write(out, entry.source)
        elif entry.source is not None:
            source = os.open(entry.source, READ)
            try:
                copy_bytes(source, out, entry.size)
            finally:
                os.close(source)
        os.fchmod(out, entry.mode)
        if entry.modified:
            os.utime(out, (entry.modified, entry.modified))
    finally:
        os.close(out)


def copy_bytes(source: int, out: int, size: int) -> int:
    """Copy at most *size* bytes between two descriptors in the kernel; return how many it were."""
    missing = size
    while missing > 0:
        try:
            done = os.copy_file_range(source, out, missing)
        except OSError:
            # Another file system, or one that cannot: let the bytes go through us.
            done = os.write(out, os.read(source, min(missing, 1 << 20)))
        if not done:
            break
        missing -= done
    return size - missing
