"""Keeps runs that go on at once from reading the cache while another one replaces it.

The lock is that of the folder the cache stands in, so that it holds between processes too, ends
with the process that has it, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def reading(cache: Path) -> AsyncIterator[None]:
    """Let nobody replace *cache* meanwhile.

    Where there is none, nothing can be read.
    """
    if not cache.is_dir():  # noqa: ASYNC240 - one look at a local disk
        yield
        return
    async with _locked(cache, fcntl.LOCK_SH):
        yield


def stamp(cache: Path) -> int:
    """Return what differs once *cache* was replaced."""
    try:
        return cache.stat().st_ino
    except OSError:
        return 0


@asynccontextmanager
async def replacing(cache: Path) -> AsyncIterator[None]:
    """Let nobody else read or replace *cache* meanwhile."""
    async with _locked(cache, fcntl.LOCK_EX):
        yield


@asynccontextmanager
async def _locked(cache: Path, how: int) -> AsyncIterator[None]:
    lock = _open(cache)
    try:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.to_thread(fcntl.flock, lock, how)
        yield
    finally:
        os.close(lock)


def _open(cache: Path) -> int:
    return os.open(cache.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
