"""Blobs in a bucket of S3, or of a store that speaks its language: the store of many machines.

What is small is put by one request, the rest in parts of 8 MiB, at most 10,000 of them. Parts of
a put that fails are removed at once; those of a process that was killed stay in the bucket unseen
and cost, so give it a lifecycle rule that aborts incomplete uploads after a day.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from steersman.blobs.base import (
    CHECK,
    PIECE,
    Found,
    Missing,
    Stored,
    Tally,
    check_key,
    check_listing,
    check_range,
    is_key,
    once,
)
from steersman.blobs.s3_errors import status_of, translated
from steersman.blobs.s3_settings import S3Settings as S3Settings
from steersman.blobs.s3_settings import open_store
from steersman.blobs.uploads import Upload
from steersman.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    from obstore import GetOptions

PART = 8 * PIECE
AT_ONCE = 2
"""Parts sent at once: with the one that fills, a put holds three of them in memory."""
PAGE = 1000


class S3Blobs:
    """Keeps each blob in an object of a bucket, below the prefix of the settings."""

    def __init__(self, settings: S3Settings) -> None:
        self._name = f"{settings.endpoint.rstrip('/') or 's3:/'}/{settings.bucket}"
        self._store = open_store(settings)

    async def put(self, key: str, pieces: AsyncIterator[bytes], limit: int | None = None) -> Stored:
        tally = Tally(key, limit)
        async with aclosing(tally.batches(pieces, PIECE)) as batches:
            head = await _head(batches)
            if len(head) < PART:
                with self._words():
                    await self._store.put_async(key, head, use_multipart=False)
            else:
                await self._put_parts(key, head, batches)
        return tally.stored()

    async def _put_parts(self, key: str, head: bytes, rest: AsyncIterator[bytes]) -> None:
        def send(data: AsyncIterator[bytes]) -> Awaitable[object]:
            return self._store.put_async(key, data, chunk_size=PART, max_concurrency=AT_ONCE)

        upload = Upload(send)
        try:
            with self._words():
                await upload.give(head)
            async for batch in rest:
                with self._words():
                    await upload.give(batch)
            with self._words():
                await upload.finish()
        except BaseException:
            await upload.abandon()
            raise

    async def put_bytes(self, key: str, data: bytes) -> None:
        await self.put(key, once(data))

    async def get(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        check_key(key)
        check_range(start, stop)
        if stop is not None and stop <= start:
            # A store does not know an empty range, but it knows whether the key is there.
            if await self.size(key) is None:
                raise Missing(f"there is no blob {key}")
            return
        stream = await self._stream(key, _range(start, stop))
        while stream is not None:
            with self._words(key):
                data = await anext(stream, None)
            if data is None:
                return
            for begin in range(0, len(data), PIECE):
                yield data[begin : begin + PIECE]

    async def _stream(self, key: str, options: GetOptions) -> AsyncIterator[bytes] | None:
        """Begin to read *key*; None when it ends before the range begins."""
        with self._words(key):
            try:
                result = await self._store.get_async(key, options=options)
            except Exception as error:
                if status_of(error) == 416:
                    return None
                raise
            return result.stream(min_chunk_size=PIECE // 2)

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        return b"".join([piece async for piece in self.get(key, start, stop)])

    async def size(self, key: str) -> int | None:
        check_key(key)
        try:
            with self._words(key):
                return (await self._store.head_async(key))["size"]
        except Missing:
            return None

    async def delete(self, key: str) -> None:
        check_key(key)
        with contextlib.suppress(Missing), self._words(key):
            await self._store.delete_async(key)

    async def keys(self, prefix: str, after: str = "", limit: int = 1000) -> list[Found]:
        folder = check_listing(prefix, after)
        # A listing is of a whole folder: begin it shortly before the first key that is wanted.
        before = prefix[:-1] if is_key(prefix[:-1]) else ""
        begin = max(after, before) or None
        found: list[Found] = []
        if limit < 1:
            return found
        with self._words():
            pages = self._store.list(folder or None, offset=begin, chunk_size=min(limit, PAGE))
            async for page in pages:
                for meta in page:
                    key = meta["path"]
                    if key.startswith(prefix):
                        found.append(Found(key, meta["size"], meta["last_modified"].timestamp()))
                    elif key > prefix:
                        return found
                if len(found) >= limit:
                    break
        return found[:limit]

    async def check(self) -> None:
        try:
            await self.put_bytes(CHECK, b"?")
            await self.delete(CHECK)
        except Refused as error:
            # Whoever asks whether we can work wants one answer.
            raise Unavailable(str(error), hint=error.hint) from error

    async def close(self) -> None:
        return None

    @contextlib.contextmanager
    def _words(self, sought: str = "") -> Iterator[None]:
        """Put the errors of the library in our words: only what is *sought* can be missing."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise translated(f"the blob store {self._name}", sought, error) from error


async def _head(batches: AsyncIterator[bytes]) -> bytes:
    """Take the first batches, until there is enough for a part."""
    taken: list[bytes] = []
    size = 0
    async for batch in batches:
        taken.append(batch)
        size += len(batch)
        if size >= PART:
            break
    return b"".join(taken)


def _range(start: int, stop: int | None) -> GetOptions:
    if stop is not None:
        return {"range": (start, stop)}
    return {"range": {"offset": start}} if start else {}
