"""The last small archives, in memory: the jobs of a workflow, and tries again, have one commit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

LARGEST = 1024 * 1024
IN_ALL = 16 * 1024 * 1024


class Key(NamedTuple):
    """What makes one archive another than the next."""

    project: str
    commit: str
    submodules: bool
    lfs: bool


class SmallArchives:
    """Keeps archives of at most *largest* bytes, and *in_all* of them; the oldest goes first."""

    def __init__(self, largest: int = LARGEST, in_all: int = IN_ALL) -> None:
        self._largest = largest
        self._in_all = in_all
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: Key) -> bytes | None:
        """Return the archive, if it is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def knows(self, project: str, commit: str) -> bool:
        """Tell whether any archive of that commit is kept."""
        kinds = ((one, other) for one in (False, True) for other in (False, True))
        return any(Key(project, commit, *kind) in self._kept for kind in kinds)

    async def kept(self, key: Key, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Yield *pieces*; once all of them were taken, they are kept where they are small."""
        copy: bytearray | None = bytearray()
        async for piece in pieces:
            if copy is not None:
                copy += piece
                if len(copy) > self._largest:
                    copy = None
            yield piece
        if copy is not None:
            self._keep(key, bytes(copy))

    def _keep(self, key: Key, archive: bytes) -> None:
        self._drop(key)
        self._kept[key] = archive
        self._size += len(archive)
        while self._size > self._in_all:
            self._drop(next(iter(self._kept)))

    def forget(self, project: str) -> None:
        """Drop all that is of *project*."""
        for key in [each for each in self._kept if each.project == project]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        self._size -= len(self._kept.pop(key, b""))
