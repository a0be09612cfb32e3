"""Looks at a folder of this machine again and again, and tells what changed in it.

Looking is the one way that works on every system, on network drives, and in the folders a virtual
machine shares; new folders are seen like everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from steersman import trees
from steersman.core import ignores, watching
from steersman.core.watching import Stamp
from steersman.trees import Kind

PAUSE = 0.3
SHARE = 10
"""A look takes at most this part of the time: the larger the tree, the longer the pauses."""


class Changes:
    """Knows a folder as it was when it was last looked at."""

    def __init__(self, folder: Path, skip: Callable[[str, bool], bool]) -> None:
        self._folder = folder
        self._skips = (skip, _ignored_by_git(folder).skips, watching.is_noise)
        self._seen: Mapping[str, Stamp] | None = None

    async def next(self) -> tuple[str, ...]:
        """Wait for changes, and until they have come to rest; name them. Safe to cancel."""
        if self._seen is None:
            self._seen, _ = await self._look()
        before = self._seen
        while True:
            now, took = await self._look()
            if now != self._seen:
                self._seen = now  # somebody is still writing: the next look tells
            elif changed := watching.changes(before, now):
                return changed
            await asyncio.sleep(max(PAUSE, SHARE * took))

    async def _look(self) -> tuple[Mapping[str, Stamp], float]:
        clock = asyncio.get_running_loop().time
        began = clock()
        return await asyncio.to_thread(self._stamps), clock() - began

    def _stamps(self) -> Mapping[str, Stamp]:
        found = trees.scan(self._folder, lambda name, is_folder: self._skip(name, is_folder))
        return {
            entry.name: (
                entry.kind,
                entry.size,
                0.0 if entry.kind is Kind.FOLDER else entry.modified,
            )
            for entry in found
        }

    def _skip(self, name: str, is_folder: bool) -> bool:  # noqa: FBT001 - as trees.scan calls it
        return any(skip(name, is_folder) for skip in self._skips)


def _ignored_by_git(folder: Path) -> ignores.Rules:
    try:
        return ignores.parse((folder / ".gitignore").read_text(errors="surrogateescape"))
    except OSError:
        return ignores.Rules()
