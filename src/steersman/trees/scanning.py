"""Listing what is below a folder, without following a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from steersman.core.errors import UserError
from steersman.trees.base import Entry, Kind

Skip = Callable[[str, bool], bool]


def scan(
    root: Path,
    skip: Skip = lambda name, is_folder: False,
    *,
    left_out: list[str] | None = None,
) -> list[Entry]:
    """List the tree below *root*; *skip(name, is_folder)* True leaves it (and all below it) out.

    The top folder comes first, each folder before what is in it, names in order. What is no file,
    folder or link cannot be copied; its name is added to *left_out*. What vanishes meanwhile was
    never there: a project is in use while it is scanned.
    """
    try:
        top = os.stat(root)
    except OSError as error:
        raise _unreadable(root, error) from error
    if not stat.S_ISDIR(top.st_mode):
        raise UserError(f"{root} is not a folder")
    entries = [Entry("", Kind.FOLDER, stat.S_IMODE(top.st_mode), None, 0, top.st_mtime)]
    listing = _Listing(skip, entries, [] if left_out is None else left_out)
    below = [("", os.fspath(root))]
    while below:
        name, path = below.pop()
        if name:
            entries.append(listing.folders.pop(name))
        below += reversed(listing.read(f"{name}/" if name else "", path))
    return entries


class _Listing:
    """Reads folder by folder; knows the inodes seen, by which hard links are found."""

    def __init__(self, skip: Skip, entries: list[Entry], left_out: list[str]) -> None:
        self.folders: dict[str, Entry] = {}
        self._skip = skip
        self._entries = entries
        self._left_out = left_out
        self._inodes: dict[tuple[int, int], str] = {}

    def read(self, prefix: str, path: str) -> list[tuple[str, str]]:
        """Add everything in one folder and return the folders in it."""
        try:
            with os.scandir(path) as found:
                children = sorted(found, key=_name)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(path, error) from error
        below: list[tuple[str, str]] = []
        for child in children:
            name = prefix + child.name
            is_folder = child.is_dir(follow_symlinks=False)
            if not self._skip(name, is_folder) and self._add(name, child) and is_folder:
                below.append((name, child.path))
        return below

    def _add(self, name: str, child: os.DirEntry[str]) -> bool:
        try:
            entry = self._entry(name, child)
        except FileNotFoundError:
            return False
        if entry is None:
            self._left_out.append(name)
            return False
        if entry.kind is Kind.FOLDER:
            self.folders[name] = entry
        else:
            self._entries.append(entry)
        return True

    def _entry(self, name: str, child: os.DirEntry[str]) -> Entry | None:
        seen = child.stat(follow_symlinks=False)
        kind, mode = stat.S_IFMT(seen.st_mode), seen.st_mode & 0o7777
        if kind == stat.S_IFREG:
            if seen.st_nlink > 1:
                first = self._inodes.setdefault((seen.st_dev, seen.st_ino), name)
                if first is not name:
                    return Entry(name, Kind.HARDLINK, mode, None, 0, seen.st_mtime, first)
            return Entry(name, Kind.FILE, mode, child.path, seen.st_size, seen.st_mtime)
        if kind == stat.S_IFDIR:
            return Entry(name, Kind.FOLDER, mode, None, 0, seen.st_mtime)
        if kind == stat.S_IFLNK:
            target = os.readlink(child.path)
            return Entry(name, Kind.SYMLINK, mode, None, 0, seen.st_mtime, target)
        return None


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _unreadable(path: str | Path, error: OSError) -> UserError:
    return UserError(
        f"cannot read {os.fspath(path)}: {error.strerror}",
        hint="make it readable, or name it in the ignore file",
    )
