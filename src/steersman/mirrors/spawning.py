"""Starts processes without copying our own memory's tables, which a server has many of.

asyncio's way under uvloop forks, and that takes some 10 ms of a server's loop and as much of the
child; `subprocess` uses vfork, which takes one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO


class Process:
    """A process that leads a group of its own, and what it says."""

    def __init__(
        self,
        started: subprocess.Popen[bytes],
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader,
    ) -> None:
        self._started = started
        self.pid = started.pid
        self.stdout = stdout
        self.stderr = stderr

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._started.poll()

    async def wait(self) -> int:
        """Wait for its end and return how it ended."""
        if self._started.poll() is None:
            await self._end()
        return self._started.wait()

    async def _end(self) -> None:
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            await asyncio.to_thread(self._started.wait)
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


async def spawn(
    words: Sequence[str], environment: Mapping[str, str], held: Sequence[int], limit: int
) -> Process:
    """Start *words*; the descriptors *held* stay open in it, *limit* is how far we read ahead."""
    started = subprocess.Popen(  # noqa: ASYNC220 - vfork returns at once
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        pass_fds=held,
        start_new_session=True,
    )
    assert started.stdout is not None and started.stderr is not None  # noqa: S101, PT018 - for mypy
    return Process(
        started, await _reader(started.stdout, limit), await _reader(started.stderr, limit)
    )


async def _reader(pipe: IO[bytes], limit: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
