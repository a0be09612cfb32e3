"""Starting shims, and signals to processes that may be others by now."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

from steersman.core.errors import Unavailable
from steersman.cron.processes import shim
from steersman.cron.processes.records import Process

ANSWERING = 30.0


class Nursery:
    """Our end of the process that shims are forked from; it is started anew where it is gone.

    Of *own*, our environment, it gets only what Python looks for its modules by.
    """

    def __init__(self, own: Mapping[str, str]) -> None:
        self._environment = {name: own[name] for name in own if name.startswith("PYTHON")}
        self._control: socket.socket | None = None
        self.pid = 0

    def start(self) -> None:
        """Start it, unless that was done."""
        if self._control is not None:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-P", "-m", "steersman.cron.processes.nursery"]
            streams = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
            try:
                self.pid = os.posix_spawn(
                    sys.executable, words, self._environment, file_actions=streams
                )
            except OSError as error:
                ours.close()
                hint = "is memory short, or a limit on processes reached?"
                what = f"no process can be started: {error.strerror}"
                raise Unavailable(what, hint=hint) from error
        self._control = ours

    async def spawn(self, words: Sequence[str], environment: Mapping[str, str]) -> str:
        """Let a shim begin, and return what it says: nothing where it has begun."""
        order = os.memfd_create("order")
        try:
            data = json.dumps({"words": list(words), "environment": dict(environment)})
            os.write(order, data.encode())
            os.lseek(order, 0, os.SEEK_SET)
            answers = self._ask(order)
        finally:
            os.close(order)
        try:
            async with asyncio.timeout(ANSWERING):
                said = await _read(answers)
        except TimeoutError:
            raise Unavailable(f"its shim said nothing for {ANSWERING:.0f} s") from None
        return said.removeprefix(shim.BEGAN.decode()).strip()

    def _ask(self, order: int) -> int:
        """Send a request, to another process where the one there was is gone."""
        out, into = os.pipe()
        try:
            try:
                self._send(into, order)
            except OSError:
                self.close()
                self._send(into, order)
        except OSError as error:
            os.close(out)
            raise Unavailable(f"shims cannot be asked for: {error.strerror}") from error
        except BaseException:
            os.close(out)
            raise
        finally:
            os.close(into)
        return out

    def _send(self, *handles: int) -> None:
        self.start()
        if self._control is not None:
            socket.send_fds(self._control, [b"!"], handles)

    def close(self) -> None:
        """Let it end; its shims go on."""
        if self._control is not None:
            self._control.close()
            self._control = None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


async def _read(handle: int) -> str:
    """Return all that is said until the other end is closed."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe = open(handle, "rb", buffering=0)  # noqa: ASYNC230, SIM115 - a pipe; its transport closes it
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
