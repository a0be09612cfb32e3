"""The contract of the `blobs` door: bytes under a key, whole or not there at all.

A key is a text such as `artifacts/01ab/output.tar.gz`. Its folders are only a way to name many
keys at once: `a` and `a/b` may both be there, and nobody makes or removes a folder.

Errors are `Missing`, `TooLarge`, `UserError` (a key or a range that cannot be), `Unavailable` (the
store does not answer, or has no room) and `Refused` (it said no), never one of a library. What the
producer of the pieces raises, its caller gets as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple, Protocol

from steersman.core.errors import Refused, UserError

PIECE = 1 << 20
"""Bytes that `Blobs.get` gives at once, at most."""
LONGEST_KEY = 512
LONGEST_PART = 200
"""Characters of a key between two slashes: most file systems end at 255."""
FARTHEST = 1 << 62
CHECK = ".check"
"""The key that `check` puts and deletes; it may be seen for a moment."""
_LETTERS = re.compile(r"[A-Za-z0-9._/-]*")


class Missing(Refused):
    """There is nothing under this key."""


class TooLarge(Refused):
    """More bytes came than the limit allows; nothing of them was kept."""


class Stored(NamedTuple):
    """What `put` stored. *sha256* is in hexadecimal."""

    key: str
    size: int
    sha256: str


class Found(NamedTuple):
    """One key of a listing; *modified* is when it was last put, in seconds since the epoch."""

    key: str
    size: int
    modified: float


class Blobs(Protocol):
    """A store of bytes under keys. The last of two writers to one key wins, whole."""

    async def put(self, key: str, pieces: AsyncIterator[bytes], limit: int | None = None) -> Stored:
        """Store *pieces*, over what is there already; raise `TooLarge` past *limit* bytes.

        Readers see nothing of it before all of it is there. An error, of the store or of the
        producer, leaves what was there before. A put that is cancelled stores all or nothing.
        """

    async def put_bytes(self, key: str, data: bytes) -> None:
        """Store *data* like `put`, but without the digest: that would be half of the work."""

    def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from *start* up to *stop*, in pieces of at most `PIECE`.

        `Missing` comes with the first piece. A range may reach past the end: what is not there
        is not given. A reader who began before an overwrite goes on with the old bytes, or fails.
        """

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from *start* up to *stop* at once; for what is known to be small."""

    async def size(self, key: str) -> int | None:
        """Return how many bytes are under *key*, None when it is not there."""

    async def delete(self, key: str) -> None:
        """Remove *key*; one that is gone already is a success."""

    async def keys(self, prefix: str, after: str = "", limit: int = 1000) -> list[Found]:
        """Return the first *limit* keys that begin with *prefix* and come after *after*, sorted.

        To see all of them, go on after the last one until the list is empty. What is put or
        deleted meanwhile may or may not be in it.
        """

    async def check(self) -> None:
        """Raise `Unavailable` unless the store answers and can be written to."""

    async def close(self) -> None:
        """Give back what the door holds; nothing may be asked of it afterwards."""


def is_key(text: str) -> bool:
    """Tell whether *text* can be a key: of these letters, and with no part that leads elsewhere."""
    parts = text.split("/")
    return bool(_LETTERS.fullmatch(text)) and {"", ".", ".."}.isdisjoint(parts)


def check_key(key: str) -> None:
    """Raise `UserError` unless *key* is one: no key leads out of the store."""
    parts = key.split("/")
    if len(key) > LONGEST_KEY or any(len(part) > LONGEST_PART for part in parts):
        raise UserError(
            f"the key {key[:40]}... is too long",
            hint=f"a key has at most {LONGEST_KEY} characters, {LONGEST_PART} between two slashes",
        )
    if not is_key(key):
        raise UserError(
            f"{key!r} is no key of the blob store",
            hint="use letters, digits, `.`, `_` and `-`, in parts that a `/` separates",
        )


def check_listing(prefix: str, after: str) -> str:
    """Raise `UserError` unless keys can be listed so; return the folder all of them are in."""
    folder, _, rest = prefix.rpartition("/")
    for key in (folder, after):
        if key:
            check_key(key)
    if not _LETTERS.fullmatch(rest) or prefix.startswith("/"):
        raise UserError(f"no key of the blob store begins with {prefix!r}")
    return folder


def check_range(start: int, stop: int | None) -> None:
    """Raise `UserError` for a range that counts from the end, or is beyond any store."""
    if not all(0 <= place <= FARTHEST for place in (start, stop or 0)):
        raise UserError(f"the bytes from {start} up to {stop} are no range", hint="count from 0")


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Give *data* as the only piece."""
    yield data


class Tally:
    """Counts and digests what is put under *key*, and raises `TooLarge` past *limit*."""

    def __init__(self, key: str, limit: int | None) -> None:
        check_key(key)
        self._key = key
        self._limit = limit
        self._size = 0
        self._digest = hashlib.sha256()

    async def batches(self, pieces: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes, None]:
        """Give *pieces* joined to at least *size* bytes each, but for the last."""
        batch: list[bytes] = []
        filled = 0
        async for piece in pieces:
            self._count(len(piece))
            batch.append(piece)
            filled += len(piece)
            if filled >= size:
                yield await self._joined(batch)
                batch, filled = [], 0
        if filled:
            yield await self._joined(batch)

    def stored(self) -> Stored:
        """Return what came, after the last batch."""
        return Stored(self._key, self._size, self._digest.hexdigest())

    def _count(self, size: int) -> None:
        self._size += size
        if self._limit is not None and self._size > self._limit:
            raise TooLarge(f"{self._key} is larger than the {self._limit} bytes it may have")

    async def _joined(self, batch: list[bytes]) -> bytes:
        data = batch[0] if len(batch) == 1 else b"".join(batch)
        if len(data) < PIECE:
            self._digest.update(data)
        else:
            # Long enough to be felt by everything else on this loop.
            await asyncio.to_thread(self._digest.update, data)
        return data
