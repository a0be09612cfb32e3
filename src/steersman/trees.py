"""Trees of files: scanned, packed, unpacked and copied, with nothing taken from outside of them.

CONTRACT (signatures are fixed, bodies are to be written).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


class Entry(NamedTuple):
    """One member of a tree. *name* is relative, with `/`; "" is the top folder itself.

    *source* is a file of this machine, or the content itself; for links *target* is the text of
    the link (SYMLINK) or the name of an earlier entry (HARDLINK). *modified* is in seconds.
    """

    name: str
    kind: Kind
    mode: int
    source: Path | bytes | None = None
    size: int = 0
    modified: float = 0.0
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be taken in: bytes of content, and number of entries."""

    size: int
    entries: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was taken in. *skipped* names members left out, with the reason (at most 20)."""

    files: int = 0
    size: int = 0
    skipped: tuple[str, ...] = ()
    missing: bool = False
    names: tuple[str, ...] = field(default=())


class TooLarge(Exception):  # noqa: N818 - an outcome by its name
    """More than the limits allow; what was written so far has been removed."""


def scan(root: Path, skip: Callable[[str, bool], bool] = lambda name, is_folder: False) -> list[Entry]:
    """List the tree below *root*; *skip(name, is_folder)* True leaves it (and all below it) out."""
    raise NotImplementedError


def pack(entries: Iterable[Entry], *, prefix: str = "", uid: int = 0, gid: int = 0) -> Iterator[bytes]:
    """Yield the tar archive of *entries* in pieces of about 256 KiB."""
    raise NotImplementedError


async def unpack(
    pieces: AsyncIterable[bytes], into: Path, limits: Limits, *, strip: int = 0
) -> Collected:
    """Unpack a tar stream from outside into the new folder *into*; raise `TooLarge` past *limits*."""
    raise NotImplementedError


def copy(entries: Sequence[Entry], into: Path) -> None:
    """Write *entries* as files below the folder *into*."""
    raise NotImplementedError


def collect(root: Path, into: Path, limits: Limits) -> Collected:
    """Copy a folder that hostile programs wrote to; like `unpack`, but from the file system."""
    raise NotImplementedError
