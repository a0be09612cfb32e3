"""Taking in a folder of this machine that hostile programs may be writing to.

Everything is opened relative to a held descriptor and without following links or waiting for
pipes; what counts is what the opened descriptor says it is.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from steersman.trees.base import Collected, Count, Limits
from steersman.trees.copying import WRITE, copy_bytes

DEPTH = 200
"""Deeper folders are left out: each level holds a descriptor."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def collect(root: Path, into: Path, limits: Limits) -> Collected:
    """Copy what is below *root* to the new folder *into*; raise `TooLarge` past *limits*."""
    try:
        descriptor = os.open(root, _FOLDER)
    except OSError:
        return Collected(missing=True)
    count = Count(limits)
    try:
        into.mkdir(parents=True)
        _Collector(os.fspath(into), count).folder(descriptor, "", 0)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)
    return count.collected()


class _Collector:
    def __init__(self, into: str, count: Count) -> None:
        self._into = into
        self._count = count
        self._links: dict[tuple[int, int], str] = {}

    def folder(self, descriptor: int, name: str, depth: int) -> None:
        """Take in the folder open as *descriptor*."""
        for item in sorted(os.listdir(descriptor)):
            below = f"{name}/{item}" if name else item
            try:
                self._member(descriptor, item, below, depth)
            except OSError as error:
                self._count.skip(below, error.strerror or str(error))
        os.chmod(f"{self._into}/{name}", stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777 | 0o700)

    def _member(self, parent: int, item: str, name: str, depth: int) -> None:
        mode = os.stat(item, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            self._below(parent, item, name, depth)
        elif stat.S_ISLNK(mode):
            self._count.entry()
            os.symlink(os.readlink(item, dir_fd=parent), f"{self._into}/{name}")
            self._count.files += 1
        elif stat.S_ISREG(mode):
            self._file(parent, item, name)
        else:
            self._count.skip(name, "a pipe or a device")

    def _below(self, parent: int, item: str, name: str, depth: int) -> None:
        if depth >= DEPTH:
            self._count.skip(name, "too deep")
            return
        descriptor = os.open(item, _FOLDER, dir_fd=parent)
        try:
            self._count.entry()
            os.mkdir(f"{self._into}/{name}", 0o700)
            self.folder(descriptor, name, depth + 1)
        finally:
            os.close(descriptor)

    def _file(self, parent: int, item: str, name: str) -> None:
        source = os.open(item, _FILE, dir_fd=parent)
        try:
            info = os.fstat(source)
            if not stat.S_ISREG(info.st_mode):
                self._count.skip(name, "a pipe or a device")
                return
            first = self._links.setdefault((info.st_dev, info.st_ino), name)
            if info.st_nlink > 1 and first != name:
                self._count.entry()
                os.link(f"{self._into}/{first}", f"{self._into}/{name}")
            else:
                self._copy(source, info, name)
            self._count.files += 1
        finally:
            os.close(source)

    def _copy(self, source: int, info: os.stat_result, name: str) -> None:
        self._count.entry(info.st_size)
        out = os.open(f"{self._into}/{name}", WRITE, 0o600)
        try:
            copy_bytes(source, out, info.st_size)
            os.fchmod(out, stat.S_IMODE(info.st_mode) & 0o777 | 0o600)
            os.utime(out, ns=(info.st_atime_ns, info.st_mtime_ns))
        finally:
            os.close(out)
