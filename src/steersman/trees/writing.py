"""Writing the members of a stranger's archive below a folder of our own."""

from __future__ import annotations

import errno
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

from steersman.trees.base import WRITE, Count
from steersman.trees.copying import write_all
from steersman.trees.reading import Member

# What is wrong with the member; anything else is wrong with the disk.
_THEIR_FAULT = {
    errno.ENAMETOOLONG: "its name is too long",
    errno.EEXIST: "its name is taken",
    errno.EILSEQ: "a name this file system cannot hold",
    errno.EINVAL: "a name this file system cannot hold",
    errno.ENOENT: "a link to nothing",
    errno.EMLINK: "too many links",
}


class Writer:
    """Writes members below the empty folder *into*, knowing all it has made there."""

    def __init__(self, into: Path, count: Count) -> None:
        self._count = count
        self._top = os.fspath(into)
        self._folders: dict[str, int] = {"": 0o755}
        self._files: set[str] = set()
        self._links: set[str] = set()
        self._open: tuple[int, Member] | None = None

    def begin(self, member: Member) -> Callable[[memoryview], None] | None:
        """Take a member, or leave it out and name it; return what takes its content."""
        why = member.why or self._refused(member)
        if why is not None:
            self._count.skip(member.name, why)
            return None
        self._count.entry(member.size)
        try:
            return self._make(member)
        except OSError as error:
            if error.errno not in _THEIR_FAULT:
                raise
            self._count.skip(member.name, _THEIR_FAULT[error.errno])
            return None

    def end(self) -> None:
        """Close the file that was begun, with its mode and time."""
        if self._open is None:
            return
        (out, member), self._open = self._open, None
        try:
            os.fchmod(out, member.mode & 0o777 | 0o600)
            os.utime(out, (member.modified, member.modified))
        finally:
            os.close(out)

    def finish(self) -> None:
        """Give the folders their modes, last, so that none could keep us from writing into it."""
        for name, mode in self._folders.items():
            os.chmod(self._path(name), mode & 0o777 | 0o700)

    def _refused(self, member: Member) -> str | None:
        name = member.name
        if member.type == tarfile.DIRTYPE:
            return None
        if not name:
            return "the top must be a folder"
        if name in self._folders:
            return "it would replace a folder"
        if member.type == tarfile.LNKTYPE and (
            member.target not in self._files or member.target == name
        ):
            return "a hard link to something that is not in the archive"
        return None

    def _make(self, member: Member) -> Callable[[memoryview], None] | None:
        name = member.name
        is_folder = member.type == tarfile.DIRTYPE
        if not self._make_folders(name if is_folder else name.rpartition("/")[0]):
            self._count.skip(name, "it stands below something that is no folder")
            return None
        if is_folder:
            self._folders[name] = member.mode
            return None
        self._make_room(name)
        self._count.files += 1
        return self._write(member, self._path(name))

    def _write(self, member: Member, path: str) -> Callable[[memoryview], None] | None:
        if member.type == tarfile.SYMTYPE:
            os.symlink(member.target, path)
            self._links.add(member.name)
            return None
        if member.type == tarfile.LNKTYPE:
            os.link(self._path(member.target), path, follow_symlinks=False)
            self._files.add(member.name)
            return None
        out = os.open(path, WRITE, 0o600)
        self._open = out, member
        self._files.add(member.name)
        return lambda part: write_all(out, part)

    def _make_folders(self, name: str) -> bool:
        """Make sure that *name* is a folder made here, with all above it."""
        if name in self._folders:
            return True
        at = 0
        while at >= 0:
            at = name.find("/", at + 1)
            above = name[:at] if at >= 0 else name
            if above in self._folders:
                continue
            if above in self._files or above in self._links:
                return False
            self._count.entry()
            os.mkdir(self._path(above), 0o700)
            self._folders[above] = 0o755
        return True

    def _make_room(self, name: str) -> None:
        """Remove an earlier member of the same name."""
        if name in self._files or name in self._links:
            os.unlink(self._path(name))
            self._files.discard(name)
            self._links.discard(name)

    def _path(self, name: str) -> str:
        return f"{self._top}/{name}" if name else self._top
