"""Filling the volume of what a box begins with, which only we may write: the box copies it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from steersman import trees
from steersman.containers.base import Upload
from steersman.containers.pod import places
from steersman.core.errors import Refused
from steersman.trees import Entry, Kind

FETCHED = "fetched"
"""The folder of the volume into which source and cache are fetched."""


def fill(uploads: Sequence[Upload], volume: Path) -> dict[str, list[str]]:
    """Write *uploads* to the volume, and name what came into each folder of the box.

    What was fetched is moved. Whatever user the box has may read all of it by the group, which is
    that of the pod.
    """
    for name in places.OWN:
        shutil.rmtree(volume / name, ignore_errors=True)
        _make(volume / name)
    # What comes before may be copied from what is moved later.
    for upload in uploads:
        target = _target(volume, places.on_volume(upload.target))
        entries = [_shared(entry) for entry in upload.entries]
        trees.copy(entries, target, move=_is_below(entries, volume / FETCHED))
    return {name: sorted(os.listdir(volume / name)) for name in places.OWN}


def empty(volume: Path) -> None:
    """Remove what the box has copied."""
    for name in places.OWN:
        shutil.rmtree(volume / name, ignore_errors=True)


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o2775)


def _target(volume: Path, name: str) -> Path:
    """Return a folder of the volume, made where it is missing, with no link on the way."""
    found = volume
    for part in name.split("/"):
        found = found / part
        if found.is_symlink():
            raise Refused(f"{name} is reached through a link", hint="name another `base-path`")
        if not found.is_dir():
            _make(found)
    return found


def _shared(entry: Entry) -> Entry:
    if entry.kind is Kind.FOLDER:
        return entry._replace(mode=entry.mode & 0o777 | 0o2770)
    if entry.kind is Kind.FILE:
        group = 0o070 if entry.mode & 0o100 else 0o060
        return entry._replace(mode=entry.mode & 0o777 | group)
    return entry


def _is_below(entries: Sequence[Entry], taken: Path) -> bool:
    """Tell whether the files of *entries* were taken in for this box alone."""
    top = f"{os.fspath(taken)}/"
    first = next((entry.source for entry in entries if entry.kind is Kind.FILE), None)
    return isinstance(first, str | os.PathLike) and os.fspath(first).startswith(top)
