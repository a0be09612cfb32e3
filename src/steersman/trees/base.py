"""What a tree of files is made of, and what may go wrong with one."""

from __future__ import annotations

import errno
import os
from enum import StrEnum
from os import PathLike
from typing import NamedTuple

from steersman.core.errors import Refused, SteersmanError, Unavailable, UserError

Path = str | PathLike[str]
READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""How a file is opened: what has become a link or a pipe meanwhile is not waited for."""
WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


class Entry(NamedTuple):
    """One member of a tree. *name* is relative, with `/`; "" is the top folder itself.

    *source* is a file of this machine (a path), or the content itself; for links *target* is the
    text of the link (SYMLINK) or the name of an earlier entry (HARDLINK). *modified* is in seconds.
    """

    name: str
    kind: Kind
    mode: int
    source: Path | bytes | None = None
    size: int = 0
    modified: float = 0.0
    target: str = ""


class Limits(NamedTuple):
    """How much may be taken in: bytes of content, and number of entries."""

    size: int
    entries: int = 2_000_000


class Collected(NamedTuple):
    """What was taken in. *skipped* names members left out, each with the reason (at most 20).

    *missing* says that the folder was not there at all.
    """

    files: int = 0
    size: int = 0
    skipped: tuple[str, ...] = ()
    missing: bool = False


class TooLarge(Exception):
    """More than the limits allow; what was written so far has been removed."""


class Damaged(Refused):
    """What came is no tar archive, or it ends in the middle."""


MOST_NAMED = 20


class Count:
    """Counts what is taken in and raises `TooLarge` past the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = self.size = self._entries = 0
        self.skipped: list[str] = []

    def entry(self, size: int = 0) -> None:
        """Count one entry of *size* bytes, before it is written."""
        self._entries += 1
        self.size += size
        if self.size > self.limits.size or self._entries > self.limits.entries:
            raise TooLarge

    def skip(self, name: str, why: str) -> None:
        """Note a member that is left out."""
        self.entry()
        if len(self.skipped) < MOST_NAMED:
            self.skipped.append(f"{_printable(name)} ({why})")

    def collected(self) -> Collected:
        """Return what was taken in."""
        return Collected(self.files, self.size, tuple(self.skipped))


def _printable(name: str) -> str:
    """Return a name a stranger chose without what could play tricks on a terminal."""
    return name[:200] if name.isprintable() else ascii(name[:200])


def is_gone(error: OSError) -> bool:
    """Tell whether a file that was listed is none any more: removed, or a link by now."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


def unreadable(path: Path, error: OSError) -> UserError:
    """Return what to say of a file of the user's that cannot be read."""
    return UserError(
        f"cannot read {os.fspath(path)}: {error.strerror}",
        hint="make it readable, or name it in the ignore file",
    )


def unwritable(path: Path, error: OSError) -> SteersmanError:
    """Return what to say of a place that cannot be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(
            f"the disk is full: cannot write {os.fspath(path)}",
            hint="free some space (`steer prune` removes old runs), or name another --working-dir",
        )
    return Refused(f"cannot write {os.fspath(path)}: {error.strerror}")
