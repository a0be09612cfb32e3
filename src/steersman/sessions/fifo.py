"""The FIFO transport: four pipes in a folder that the runner and the box share.

| pipe | from, to | holds |
|---|---|---|
| `commands` | runner, shell | what to do |
| `output` | steps, runner | stdout and stderr |
| `control` | box, runner | control lines; its end of file means that the box is gone |
| `kill` | runner, helper | which kill is wanted |
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import stat
import struct
import termios
from collections import deque
from contextlib import suppress
from pathlib import Path

from steersman.core.errors import Refused
from steersman.sessions.base import Gone, Kill, Message, Output
from steersman.sessions.control import MAX_LINE, parse
from steersman.sessions.pipes import NAMES

CHUNK = 256 * 1024
_PIPE_SIZE = 1024 * 1024


def _open(path: Path, flags: int) -> int:
    """Open a pipe without waiting for the other side; refuse whatever is not a pipe."""
    hint = "something took its place; nothing of this box can be trusted"
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"cannot open the pipe {path}: {error.strerror}", hint=hint) from error
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(f"{path} is not a pipe", hint=hint)
    return fd


def tell(directory: Path, what: Kill) -> None:
    """Ask for a kill in the box of *directory* without a session; one that is gone is no error."""
    try:
        fd = _open(directory / "kill", os.O_WRONLY)
    except Refused:
        return
    try:
        _ask_for(what, fd)
    finally:
        os.close(fd)


def _ask_for(what: Kill, fd: int) -> None:
    """Write a word, unless the box has filled the pipe, which would not be emptied for us."""
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(fd, f"{what}\n".encode())


def _waiting(fd: int) -> int:
    """Return how many bytes can be read from *fd* at once."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))[0])


class FifoTransport:
    """Speaks to session.sh through the pipes that stand in *directory*.

    All but `control` are held open in both directions: so opening waits for nobody, and only
    the end of the box makes an end of file.
    """

    def __init__(self, directory: Path) -> None:
        self._fds: dict[str, int] = {}
        self._messages: deque[Message] = deque()
        self._line = b""
        self._gone = False
        try:
            for name in NAMES:
                flags = os.O_RDONLY if name == "control" else os.O_RDWR
                self._fds[name] = _open(directory / name, flags)
        except Refused:
            self._close()
            raise
        self._control, self._output = self._fds["control"], self._fds["output"]
        self._enlarge()

    def _enlarge(self) -> None:
        try:
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            return  # more than an ordinary user may have: slower, not wrong

    async def begun(self) -> None:
        """Wait until the box has said something, or opened its pipes and is gone again."""
        while not self._has_news():
            await self._wait(self._control)

    async def send(self, data: bytes) -> None:
        while data and self._fds:
            try:
                data = data[os.write(self._fds["commands"], data) :]
            except BlockingIOError:
                await self._wait(writer=self._fds["commands"])

    async def kill(self, what: Kill) -> None:
        if self._fds:
            _ask_for(what, self._fds["kill"])

    async def receive(self) -> Message:
        while not self._messages:
            if self._gone or not self._fds:
                return Gone()
            if not (self._hear() or self._read(CHUNK)):
                await self._wait(self._control, self._output)
        return self._messages.popleft()

    def _read(self, size: int) -> int:
        """Take at most *size* bytes of output, as one message; return how many."""
        try:
            data = os.read(self._output, size)
        except BlockingIOError:
            return 0
        if data:
            self._messages.append(Output(data))
        return len(data)

    def _hear(self) -> bool:
        """Take what the control pipe holds; before each line the output written until then."""
        if not self._has_news():
            return False
        try:
            data = os.read(self._control, MAX_LINE)
        except BlockingIOError:
            return False
        self._drain()
        self._gone = not data
        *lines, self._line = (self._line + data).split(b"\n")
        self._messages.extend(parse(line) for line in lines if len(line) <= MAX_LINE)
        if len(self._line) > MAX_LINE:
            self._line = self._line[:MAX_LINE] + b"..."
        return True

    def _drain(self) -> None:
        """Take exactly what is there now: a process that goes on printing must not hold us."""
        left = _waiting(self._output)
        while left > 0 and (size := self._read(min(left, CHUNK))):
            left -= size

    def _has_news(self) -> bool:
        # Before the box opens its end, reading would give an end of file too; poll knows better.
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(0))

    async def _wait(self, *readers: int, writer: int | None = None) -> None:
        """Wait until one of *readers* has something, or *writer* takes something."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        for fd in readers:
            loop.add_reader(fd, wake)
        if writer is not None:
            loop.add_writer(writer, wake)
        try:
            await ready
        finally:
            for fd in readers:
                loop.remove_reader(fd)
            if writer is not None:
                loop.remove_writer(writer)

    async def close(self) -> None:
        self._close()

    def _close(self) -> None:
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()
