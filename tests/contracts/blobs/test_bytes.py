"""What is put comes back, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steersman.blobs.base import PIECE, Blobs, Missing, Stored, TooLarge
from tests.contracts.blobs.conftest import MIB, Bucket, pieces

KEY = "artifacts/01ab/output.tar.gz"
SIZES = [pytest.param(3, id="small"), pytest.param(20 * MIB, id="large")]


async def broken(size: int) -> AsyncIterator[bytes]:
    """Give *size* bytes and then fail."""
    for begin in range(0, size, MIB):
        yield bytes(min(MIB, size - begin))
    raise LookupError("the producer")


async def stuck(size: int, given: asyncio.Event) -> AsyncIterator[bytes]:
    """Give *size* bytes and then nothing, for ever."""
    for begin in range(0, size, MIB):
        yield bytes(min(MIB, size - begin))
    given.set()
    await asyncio.Event().wait()


@pytest.mark.parametrize("data", [(), (b"",), (b"one",), (b"one", b"", b"two"), (b"x" * MIB, b"y")])
def test_what_was_put_comes_back(blobs: Blobs, data: tuple[bytes, ...]) -> None:
    whole = b"".join(data)

    async def body() -> None:
        stored = await blobs.put(KEY, pieces(*data))
        assert stored == Stored(KEY, len(whole), hashlib.sha256(whole).hexdigest())
        assert await blobs.read(KEY) == whole
        assert await blobs.size(KEY) == len(whole)

    asyncio.run(body())


def test_the_last_put_wins(blobs: Blobs) -> None:
    async def body() -> bytes:
        await blobs.put_bytes(KEY, b"the first, which is longer")
        await blobs.put_bytes(KEY, b"the last")
        return await blobs.read(KEY)

    assert asyncio.run(body()) == b"the last"


@pytest.mark.parametrize("span", [(0, None), (0, 0), (3, 7), (9, None)])
def test_what_is_not_there_is_missing(blobs: Blobs, span: tuple[int, int | None]) -> None:
    async def body() -> None:
        coming = blobs.get(KEY, *span)
        with pytest.raises(Missing, match=KEY):
            await anext(coming)
        assert await blobs.size(KEY) is None

    asyncio.run(body())


def test_a_deleted_blob_is_gone_and_may_be_deleted_again(blobs: Blobs) -> None:
    async def body() -> None:
        await blobs.put_bytes(KEY, b"data")
        await blobs.delete(KEY)
        await blobs.delete(KEY)
        with pytest.raises(Missing):
            await blobs.read(KEY)

    asyncio.run(body())


@given(data=st.binary(max_size=40), start=st.integers(0, 50), length=st.integers(-3, 50))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_range_is_a_slice(blobs: Blobs, data: bytes, start: int, length: int) -> None:
    stop = max(0, start + length) if length else None

    async def body() -> bytes:
        await blobs.put_bytes(KEY, data)
        return await blobs.read(KEY, start, stop)

    assert asyncio.run(body()) == data[start:stop]


def test_fifty_megabytes_come_and_go_in_pieces(blobs: Blobs) -> None:
    sent, seen = hashlib.sha256(), hashlib.sha256()

    async def produced() -> AsyncIterator[bytes]:
        for number in range(50):
            piece = number.to_bytes(4, "big") * (MIB // 4)
            sent.update(piece)
            yield piece

    async def body() -> None:
        stored = await blobs.put(KEY, produced())
        largest = 0
        async for piece in blobs.get(KEY):
            seen.update(piece)
            largest = max(largest, len(piece))
        assert stored == Stored(KEY, 50 * MIB, sent.hexdigest())
        assert seen.digest() == sent.digest()
        assert 0 < largest <= PIECE
        middle = await blobs.read(KEY, 33 * MIB - 2, 33 * MIB + 2)
        assert middle == b"\x00\x20\x00\x00"

    asyncio.run(body())


@pytest.mark.parametrize("size", SIZES)
def test_a_put_up_to_its_limit_is_stored(blobs: Blobs, size: int) -> None:
    async def body() -> Stored:
        return await blobs.put(KEY, pieces(bytes(size - 1), b"!"), limit=size)

    assert asyncio.run(body()).size == size


@pytest.mark.parametrize("size", SIZES)
def test_a_put_past_its_limit_leaves_what_was_there(blobs: Blobs, size: int) -> None:
    async def body() -> None:
        await blobs.put_bytes(KEY, b"before")
        with pytest.raises(TooLarge, match=f"{size} bytes"):
            await blobs.put(KEY, pieces(bytes(size), b"!"), limit=size)
        assert await blobs.read(KEY) == b"before"

    asyncio.run(body())


@pytest.mark.parametrize("size", SIZES)
def test_a_producer_that_fails_leaves_nothing(blobs: Blobs, size: int) -> None:
    async def body() -> None:
        with pytest.raises(LookupError, match="the producer"):
            await blobs.put(KEY, broken(size))
        assert await blobs.size(KEY) is None
        assert await blobs.keys("") == []

    asyncio.run(body())


@pytest.mark.parametrize("size", SIZES)
def test_a_cancelled_put_leaves_nothing(blobs: Blobs, size: int) -> None:
    async def body() -> None:
        given = asyncio.Event()
        putting = asyncio.create_task(blobs.put(KEY, stuck(size, given)))
        await given.wait()
        assert await blobs.size(KEY) is None
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert await blobs.size(KEY) is None

    asyncio.run(body())


@pytest.mark.parametrize("blobs", ["s3"], indirect=True)
def test_no_part_stays_in_the_bucket_unseen(blobs: Blobs, bucket: Bucket, prefix: str) -> None:
    async def body() -> None:
        given = asyncio.Event()
        putting = asyncio.create_task(blobs.put(KEY, stuck(20 * MIB, given)))
        with pytest.raises(LookupError):
            await blobs.put(KEY, broken(20 * MIB))
        await given.wait()
        assert len(await asyncio.to_thread(bucket.unfinished, prefix)) == 1
        putting.cancel()
        await asyncio.wait({putting})
        assert await asyncio.to_thread(bucket.unfinished, prefix) == []

    asyncio.run(body())


@pytest.mark.parametrize("size", [pytest.param(6, id="small"), pytest.param(12, id="large")])
def test_one_of_two_writers_wins_whole(blobs: Blobs, size: int) -> None:
    first, last = b"1" * MIB * size, b"2" * MIB * size

    async def slow(data: bytes) -> AsyncIterator[bytes]:
        for begin in range(0, len(data), MIB):
            await asyncio.sleep(0)
            yield data[begin : begin + MIB]

    async def body() -> bytes:
        await asyncio.gather(blobs.put(KEY, slow(first)), blobs.put(KEY, slow(last)))
        return await blobs.read(KEY)

    assert asyncio.run(body()) in (first, last)


def test_a_store_that_works_passes_its_check_and_keeps_nothing_of_it(blobs: Blobs) -> None:
    async def body() -> list[object]:
        await blobs.check()
        found = await blobs.keys("")
        await blobs.close()
        return [*found]

    assert asyncio.run(body()) == []
