"""Runs that go on at once do not pull the cache away from under each other."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from steersman.executor import cache_lock


def test_nobody_replaces_the_cache_while_somebody_reads_it(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    seen: list[str] = []

    async def replace() -> None:
        async with cache_lock.replacing(cache):
            seen.append("replaced")

    async def whole() -> None:
        async with cache_lock.reading(cache), cache_lock.reading(cache):
            replacing = asyncio.ensure_future(replace())
            while not await asyncio.to_thread(blocked, tmp_path):
                pass
            seen.append("read by two")
        await replacing

    asyncio.run(whole())
    assert seen == ["read by two", "replaced"]
    assert os.listdir(tmp_path) == ["cache"]


def blocked(folder: Path) -> bool:
    """Tell whether somebody waits for the lock of *folder*."""
    inode = f":{folder.stat().st_ino} "
    return any(
        "->" in line and inode in line for line in Path("/proc/locks").read_text().split("\n")
    )


def test_a_cache_that_was_replaced_is_another_one(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert cache_lock.stamp(cache) == 0
    cache.mkdir()
    first = cache_lock.stamp(cache)
    cache.rename(tmp_path / "old")
    cache.mkdir()
    assert cache_lock.stamp(cache) not in (0, first)


def test_without_a_cache_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    async def whole() -> None:
        async with cache_lock.replacing(tmp_path / "cache"), cache_lock.reading(tmp_path / "cache"):
            pass

    asyncio.run(whole())
