"""A small tree as shell text that makes it: cheaper than a request that sends an archive.

The text needs mkdir, and chmod and ln where modes and links ask for them, as Wercker's own set-up
did. Times are not kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from steersman.core import quoting
from steersman.core.errors import UserError
from steersman.trees.base import READ, Entry, Kind

MOST = 12 * 1024
"""A shell reads its commands byte by byte: past this size an archive is faster."""


def spell(entries: Iterable[Entry], most: int = MOST) -> str | None:
    """Return shell text that makes *entries*, named from `/`; None when it is not worth it.

    Later entries may stand below folders that come earlier, and missing parents are made.
    """
    folders: list[str] = []
    lines: list[str] = []
    modes: dict[int, list[str]] = {}
    size = 0
    for entry in entries:
        path = quoting.single(f"/{entry.name}")
        plain = 0o755 if entry.kind is Kind.FOLDER else 0o644
        if entry.kind is Kind.FOLDER:
            folders.append(path)
        elif (line := _line(entry, path, most)) is not None:
            lines.append(line)
            size += len(line)
        else:
            return None
        if entry.kind is not Kind.SYMLINK and entry.mode != plain:
            modes.setdefault(entry.mode, []).append(path)
        size += 2 * len(path)
        if size > most:
            return None
    return "\n".join(_text(folders, lines, modes))


def _text(folders: list[str], lines: list[str], modes: dict[int, list[str]]) -> Iterator[str]:
    yield "(set -e; umask 022"
    if folders:
        yield f"mkdir -p -- {' '.join(folders)}"
    yield from lines
    for mode, paths in modes.items():
        yield f"chmod {mode:o} {' '.join(paths)}"
    yield ")\n"


def _line(entry: Entry, path: str, most: int) -> str | None:
    if entry.kind is Kind.SYMLINK:
        return f"ln -s {quoting.single(entry.target)} {path}"
    if entry.kind is not Kind.FILE or entry.size > most:
        return None
    data = _content(entry)
    if b"\0" in data:
        return None
    text = data.decode("utf-8", "surrogateescape")
    return f"printf %s {quoting.single(text)} >{path}"


def _content(entry: Entry) -> bytes:
    if isinstance(entry.source, bytes):
        return entry.source
    assert entry.source is not None  # noqa: S101 - a file has one by its definition
    try:
        descriptor = os.open(entry.source, READ)
    except OSError as error:
        raise UserError(f"cannot read {os.fspath(entry.source)}: {error.strerror}") from error
    try:
        return os.read(descriptor, entry.size)
    finally:
        os.close(descriptor)
