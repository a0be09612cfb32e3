"""Taking in a folder of this machine that hostile programs may be writing to.

Everything is opened relative to a held descriptor and without following links or waiting for
pipes; what counts is what the opened descriptor says it is. What cannot be read is left out and
named; that we cannot write is an error.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from steersman.trees.base import READ, WRITE, Collected, Count, Limits, unwritable
from steersman.trees.copying import copy_bytes

DEPTH = 200
"""Deeper folders are left out: each level holds a descriptor."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def collect(root: Path, into: Path, limits: Limits) -> Collected:
    """Copy what is below *root* to the new folder *into*; raise `TooLarge` past *limits*.

    Modes are kept, but for set-id bits and for what would keep us from deleting it all again.
    """
    try:
        descriptor = os.open(root, _FOLDER)
    except OSError:
        return Collected(missing=True)
    return _into(descriptor, into, limits)


def collect_below(held: int, path: str, into: Path, limits: Limits) -> Collected:
    """Do what `collect` does with the folder *path*, as seen from the open folder *held*.

    No part of *path* may be a link: whoever could make one would choose what we take.
    """
    descriptor = os.dup(held)
    try:
        for part in filter(None, path.split("/")):
            above, descriptor = descriptor, -1
            try:
                descriptor = os.open(part, _FOLDER, dir_fd=above)
            finally:
                os.close(above)
    except OSError:
        return Collected(missing=True)
    return _into(descriptor, into, limits)


def _into(descriptor: int, into: Path, limits: Limits) -> Collected:
    """Take in what is below *descriptor*, and close it."""
    try:
        into.mkdir(parents=True)
        return _collected(descriptor, into, Count(limits))
    except OSError as error:
        raise unwritable(error.filename or into, error) from error
    finally:
        os.close(descriptor)


def _collected(descriptor: int, into: Path, count: Count) -> Collected:
    try:
        _Collector(os.fspath(into), count).folder(descriptor, "", 0)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
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
                seen = os.stat(item, dir_fd=descriptor, follow_symlinks=False)
            except OSError as error:
                self._left(below, error)
                continue
            if stat.S_ISDIR(seen.st_mode):
                self._folder(descriptor, item, below, depth)
            elif stat.S_ISLNK(seen.st_mode):
                self._link(descriptor, item, below)
            elif stat.S_ISREG(seen.st_mode):
                self._file(descriptor, item, below)
            else:
                self._count.skip(below, "a pipe, a socket or a device")
        mode = os.fstat(descriptor).st_mode & 0o777 | 0o700
        os.chmod(f"{self._into}/{name}", mode)

    def _left(self, name: str, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self._count.skip(name, error.strerror or str(error))

    def _folder(self, parent: int, item: str, name: str, depth: int) -> None:
        if depth >= DEPTH:
            self._count.skip(name, "too deep")
            return
        try:
            descriptor = os.open(item, _FOLDER, dir_fd=parent)
        except OSError as error:
            self._left(name, error)
            return
        try:
            self._count.entry()
            os.mkdir(f"{self._into}/{name}", 0o700)
            self.folder(descriptor, name, depth + 1)
        finally:
            os.close(descriptor)

    def _link(self, parent: int, item: str, name: str) -> None:
        try:
            target = os.readlink(item, dir_fd=parent)
        except OSError as error:
            self._left(name, error)
            return
        self._count.entry()
        os.symlink(target, f"{self._into}/{name}")
        self._count.files += 1

    def _file(self, parent: int, item: str, name: str) -> None:
        try:
            source = os.open(item, READ, dir_fd=parent)
        except OSError as error:
            self._left(name, error)
            return
        try:
            seen = os.fstat(source)
            if stat.S_ISREG(seen.st_mode):
                self._opened(source, seen, name)
            else:
                self._count.skip(name, "a pipe, a socket or a device")
        finally:
            os.close(source)

    def _opened(self, source: int, seen: os.stat_result, name: str) -> None:
        first = self._links.setdefault((seen.st_dev, seen.st_ino), name)
        if seen.st_nlink > 1 and first != name:
            self._count.entry()
            os.link(f"{self._into}/{first}", f"{self._into}/{name}")
        else:
            self._count.entry(seen.st_size)
            self._copy(source, seen, name)
        self._count.files += 1

    def _copy(self, source: int, seen: os.stat_result, name: str) -> None:
        out = os.open(f"{self._into}/{name}", WRITE, 0o600)
        try:
            copy_bytes(source, out, seen.st_size)
            os.fchmod(out, seen.st_mode & 0o777 | 0o600)
            os.utime(out, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
        finally:
            os.close(out)
