"""Starting shims, and signals to processes that may be others by now."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from steersman.core.errors import Unavailable
from steersman.cron.launchers.base import Impossible
from steersman.cron.processes import shim
from steersman.cron.processes.records import Process

ANSWERING = 30.0


async def spawn(words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Start a shim; return its pid and what went wrong, if anything, once it has said so."""
    out, into = os.pipe()
    try:
        pid = _spawn(words, environment, into)
    except OSError as error:
        os.close(out)
        if error.errno == errno.E2BIG:
            raise Impossible("the command and its environment are too long") from error
        hint = "is memory short, or a limit on processes reached?"
        raise Unavailable(f"no process can be started: {error.strerror}", hint=hint) from error
    finally:
        os.close(into)
    try:
        async with asyncio.timeout(ANSWERING):
            said = await _read(out)
    except TimeoutError:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        said = f"its shim said nothing for {ANSWERING:.0f} s"
    return pid, said.removeprefix(shim.BEGAN.decode())


def _spawn(words: Sequence[str], environment: Mapping[str, str], answers: int) -> int:
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, answers, 1),
        (os.POSIX_SPAWN_DUP2, answers, 2),
    ]
    program = [sys.executable, "-I", "-S", shim.__file__, *words]
    return os.posix_spawn(sys.executable, program, environment, file_actions=streams)


async def _read(handle: int) -> str:
    """Return all that is said until the other end is closed."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe = open(handle, "rb", buffering=0)  # noqa: ASYNC230, SIM115 - a pipe; the transport closes it
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        return (await reader.read()).decode("utf-8", "replace")
    finally:
        transport.close()


def send(process: Process, number: signal.Signals, *, group: bool = False) -> None:
    """Send a signal to a process, or to its group, unless it is another one by now."""
    if not process.alive():
        return
    with contextlib.suppress(OSError):
        if group:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
