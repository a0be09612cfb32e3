"""What is kept of small archives, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from steersman.mirrors.small_archives import Key, SmallArchives


def key(commit: str, project: str = "p") -> Key:
    return Key(project, commit, submodules=False, lfs=False)


async def pieces(*said: bytes) -> AsyncIterator[bytes]:
    for each in said:
        yield each


def take(small: SmallArchives, named: Key, *said: bytes) -> bytes:
    async def taken() -> bytes:
        return b"".join([piece async for piece in small.kept(named, pieces(*said))])

    return asyncio.run(taken())


def test_an_archive_that_was_taken_whole_is_there_the_next_time() -> None:
    small = SmallArchives()
    assert take(small, key("1"), b"one", b"two") == b"onetwo"
    assert small.get(key("1")) == b"onetwo"
    assert small.knows("p", "1")
    assert not small.knows("p", "2")
    assert not small.knows("q", "1")


def test_one_that_was_left_early_is_not_kept() -> None:
    small = SmallArchives()

    async def left() -> None:
        taking = small.kept(key("1"), pieces(b"one", b"two"))
        assert await anext(taking) == b"one"
        await taking.aclose()

    asyncio.run(left())
    assert small.get(key("1")) is None


def test_a_large_one_is_passed_on_and_not_kept() -> None:
    small = SmallArchives(largest=4)
    assert take(small, key("1"), b"abc", b"de") == b"abcde"
    assert small.get(key("1")) is None


def test_the_one_that_was_not_asked_for_the_longest_goes_first() -> None:
    small = SmallArchives(largest=4, in_all=8)
    for commit in "12":
        take(small, key(commit), b"abcd")
    assert small.get(key("1")) == b"abcd"
    take(small, key("3"), b"abcd")
    assert [small.knows("p", commit) for commit in "123"] == [True, False, True]


def test_taking_one_again_does_not_count_it_twice() -> None:
    small = SmallArchives(largest=4, in_all=8)
    for commit in "1112":
        take(small, key(commit), b"abcd")
    assert small.knows("p", "1")
    assert small.knows("p", "2")


def test_what_is_of_a_project_goes_with_it() -> None:
    small = SmallArchives()
    take(small, key("1"), b"abc")
    take(small, key("1", "q"), b"abc")
    small.forget("p")
    assert not small.knows("p", "1")
    assert small.knows("q", "1")
