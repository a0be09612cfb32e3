"""Which keys there may be, and how they are listed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steersman.blobs.base import LONGEST_KEY, LONGEST_PART, Blobs, check_key, is_key
from steersman.core.errors import UserError
from tests.contracts.blobs.conftest import uses

HOSTILE = [
    "",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../../b",
    "a/./b",
    "a/..",
    "a\\b",
    "a\0b",
    "a\n",
    "a b",
    "~parts/x",
    "a+/b",
    "%2e%2e/a",
    "é",
    "\u0661",
    "a" * (LONGEST_PART + 1),
    "a/" * (LONGEST_KEY // 2) + "a",
]
KEYS = ["A", "a", "a-b", "a.x", "a/..x", "a/.x", "a/b", "a/b-c", "a/b/c", "a/b0", "ab/c", "b/c/d"]


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_the_users_mistake(blobs: Blobs, key: str) -> None:
    async def body() -> None:
        for use in uses(blobs, key):
            with pytest.raises(UserError, match="key"):
                await use()

    asyncio.run(body())


@pytest.mark.parametrize("span", [(-1, None), (0, -1), (1 << 70, None), (0, 1 << 70)])
def test_a_range_that_cannot_be_is_the_users_mistake(
    blobs: Blobs, span: tuple[int, int | None]
) -> None:
    async def body() -> None:
        await blobs.put_bytes("a", b"x")
        with pytest.raises(UserError, match="range"):
            await blobs.read("a", *span)

    asyncio.run(body())


@given(st.text(alphabet="aZ0._-/~\\", max_size=12))
def test_no_key_leads_out_of_its_folder(key: str) -> None:
    inside = Path("/store")
    if is_key(key):
        check_key(key)
        assert (inside / key).parts[: len(inside.parts)] == inside.parts
        assert ".." not in (inside / key).parts
        assert str(inside / key) == f"/store/{key}"
    else:
        with pytest.raises(UserError):
            check_key(key)


def test_the_longest_keys_can_be_put(blobs: Blobs) -> None:
    keys = ["a" * LONGEST_PART, "b/" * (LONGEST_KEY // 2 - 1) + "bb"]

    async def body() -> list[str]:
        for key in keys:
            await blobs.put_bytes(key, b"x")
        return [found.key for found in await blobs.keys("")]

    assert asyncio.run(body()) == keys


def test_a_key_may_also_be_a_folder(blobs: Blobs) -> None:
    async def body() -> None:
        await blobs.put_bytes("a/b", b"below")
        await blobs.put_bytes("a", b"above")
        assert await blobs.read("a/b") == b"below"
        await blobs.delete("a/b")
        assert await blobs.read("a") == b"above"

    asyncio.run(body())


def test_what_is_found_has_its_size_and_time(blobs: Blobs) -> None:
    async def body() -> None:
        before = time.time()
        await blobs.put_bytes("a/b", b"12345")
        (found,) = await blobs.keys("a/")
        assert (found.key, found.size) == ("a/b", 5)
        # Some stores know whole seconds only.
        assert before - 2 <= found.modified <= time.time() + 2

    asyncio.run(body())


@given(
    prefix=st.sampled_from(["", "a", "a/", "a/.", "a/..", "a/b", "a/b/", "ab", "b/c/d", "zz"]),
    after=st.sampled_from(["", "0", "a", "a/b", "a/b/zz", "a0", "zzz", *KEYS]),
    limit=st.integers(0, len(KEYS) + 1),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_are_listed_in_order(blobs: Blobs, prefix: str, after: str, limit: int) -> None:
    async def body() -> list[str]:
        if not await blobs.keys(""):
            for key in reversed(KEYS):
                await blobs.put_bytes(key, b"x")
        return [found.key for found in await blobs.keys(prefix, after, limit)]

    wanted = [key for key in KEYS if key.startswith(prefix) and key > after]
    assert asyncio.run(body()) == wanted[:limit]


def test_a_listing_goes_on_where_it_ended(blobs: Blobs) -> None:
    async def body() -> list[str]:
        for key in KEYS:
            await blobs.put_bytes(key, b"x")
        seen: list[str] = []
        while page := await blobs.keys("", after=seen[-1] if seen else "", limit=5):
            seen += [found.key for found in page]
        return seen

    assert asyncio.run(body()) == KEYS


@pytest.mark.parametrize(
    ("begin", "after"), [("/", ""), ("../", ""), ("a//", ""), ("a*", ""), ("", "../a")]
)
def test_a_hostile_listing_is_the_users_mistake(blobs: Blobs, begin: str, after: str) -> None:
    with pytest.raises(UserError, match="key"):
        asyncio.run(blobs.keys(begin, after))
