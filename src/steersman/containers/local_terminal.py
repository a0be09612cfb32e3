"""A terminal of this machine: a pseudo-terminal with a shell behind it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from steersman.containers.terminals import Size
from steersman.core.errors import Refused

# A leader of a session gets the first terminal it opens by name as its controlling one, without
# which there is no job control and no Ctrl-C.
_OPEN = 'exec <"$0" >"$0" 2>&1 && exec "$@"'
PATIENCE = 5.0
"""Seconds a shell has to end after it was hung up."""


class LocalTerminal:
    """Our side of the pseudo-terminal *ours*, and the shell on the other side."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int) -> None:
        self._process = process
        self._ours = ours
        self._reader = asyncio.StreamReader(limit=64 * 1024)
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.ReadTransport | None = None

    async def connect(self) -> None:
        """Let the loop read and write it."""
        loop = asyncio.get_running_loop()
        self._reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), os.fdopen(self._ours, "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(os.dup(self._ours), "wb", 0),
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        await self._reader.readline()  # the number of the shell, which is known already

    async def read(self) -> bytes:
        try:
            return await self._reader.read(64 * 1024)
        except OSError:
            return b""  # how Linux says that the other side has closed

    async def write(self, data: bytes) -> None:
        with suppress(OSError):
            if self._writer is not None and not self._writer.is_closing():
                self._writer.write(data)
                await self._writer.drain()

    async def resize(self, size: Size) -> None:
        if self._reading is not None and not self._reading.is_closing():
            with suppress(OSError, termios.error):
                termios.tcsetwinsize(self._ours, (size.rows, size.columns))

    async def close(self) -> None:
        for one in (self._writer and self._writer.transport, self._reading):
            if isinstance(one, asyncio.WriteTransport):
                one.abort()
            elif one is not None:
                one.close()
        await asyncio.to_thread(self._end)
        # Closing is done by the loop, in two rounds of it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _end(self) -> None:
        """Hang up; what ignores that is killed, and what left the group goes with the box."""
        for number in (signal.SIGHUP, signal.SIGKILL):
            with suppress(OSError):
                if self._process.poll() is None:
                    os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                return


async def start(
    words: Sequence[str], env: Mapping[str, str], folder: Path, size: Size
) -> LocalTerminal:
    """Start *words* in *folder* on a terminal of this size."""
    terminal = _open(words, env, folder, size)
    try:
        await terminal.connect()
    except BaseException:
        await terminal.close()
        raise
    return terminal


def _open(words: Sequence[str], env: Mapping[str, str], folder: Path, size: Size) -> LocalTerminal:
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        raise Refused(f"this machine has no terminal to give: {error.strerror}") from error
    try:
        termios.tcsetwinsize(ours, (size.rows, size.columns))
        process = subprocess.Popen(
            ["/bin/sh", "-c", _OPEN, os.ttyname(theirs), *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=dict(env),
            start_new_session=True,
        )
    except OSError as error:
        os.close(ours)
        raise Refused(f"cannot start a shell: {error.strerror}") from error
    finally:
        os.close(theirs)
    return LocalTerminal(process, ours)
