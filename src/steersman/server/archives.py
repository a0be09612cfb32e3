"""Archives as they come out of the store: read member by member, never unpacked and never whole.

Names in them were chosen by strangers. They are shown and compared, and no file is opened by them.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import NamedTuple

from steersman.server.closing import closed
from steersman.trees import reading
from steersman.trees.base import Damaged
from steersman.trees.reading import Member, Need, Sink

KINDS = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


class Listed(NamedTuple):
    """The first members of an archive; *truncated* when there are more."""

    members: tuple[Member, ...]
    truncated: bool


def shown(name: str) -> str:
    """Return a member's name as a text in every encoding."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def kind(member: Member) -> str:
    """Return what a member is, in a word."""
    if member.type in KINDS:
        return KINDS[member.type]
    return "file" if member.type in tarfile.REGULAR_TYPES and member.why is None else "other"


async def walk(pieces: AsyncIterator[bytes], sink: Sink) -> AsyncGenerator[None, None]:
    """Give the members of an archive to *sink*, pausing after each piece; it may be left early."""
    source = reading.Input()
    members = reading.members(source, sink, 0)
    next(members)
    async with closed(pieces) as coming:
        async for piece in coming:
            source.piece = memoryview(piece)
            if await asyncio.to_thread(_has_ended, members):
                return
            yield
    raise Damaged("the archive ends in the middle")


def _has_ended(members: Need[None]) -> bool:
    return next(members, True) is True


class _Names:
    """Notes members, but not their content."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.members: list[Member] = []
        self.is_full = False

    def begin(self, member: Member) -> None:
        self.is_full = len(self.members) == self._most
        if not self.is_full:
            self.members.append(member)

    def end(self) -> None:
        """Nothing was begun."""


async def listed(pieces: AsyncIterator[bytes], most: int) -> Listed:
    """Return the first *most* members of an archive; `Damaged` when it is none."""
    names = _Names(most)
    async with aclosing(walk(pieces, names)) as walking:
        async for _ in walking:
            if names.is_full:
                break
    return Listed(tuple(names.members), names.is_full)


class _Content:
    """Takes the content of the first regular member of this name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[bytes] = []
        self._is_open = False
        self.member: Member | None = None
        self.is_whole = False

    def begin(self, member: Member) -> Callable[[memoryview], None] | None:
        if self.member is not None or kind(member) != "file" or shown(member.name) != self._name:
            return None
        self.member, self._is_open = member, True
        return lambda part: self._parts.append(bytes(part))

    def end(self) -> None:
        self.is_whole = self.is_whole or self._is_open
        self._is_open = False

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def extract(
    pieces: AsyncIterator[bytes], name: str
) -> tuple[int, AsyncIterator[bytes]] | None:
    """Return the size and the bytes of a regular file in an archive; None without such a one."""
    content = _Content(name)
    walking = walk(pieces, content)
    async for _ in walking:
        if content.member is not None:
            break
    if content.member is None:
        return None
    return content.member.size, _rest(content, walking)


async def _rest(content: _Content, walking: AsyncGenerator[None, None]) -> AsyncIterator[bytes]:
    async with aclosing(walking):
        while True:
            if part := content.taken():
                yield part
            if content.is_whole:
                return
            await anext(walking, None)
