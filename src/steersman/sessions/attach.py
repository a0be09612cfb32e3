"""The attach transport: output and control words in one stream of bytes, commands in another.

It works over any pair of streams: pipes of a process, or the attached streams of a container.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from steersman.sessions.base import Gone, Kill, Message
from steersman.sessions.control import Splitter

CHUNK = 256 * 1024

SIGNALS: Mapping[Kill, str] = {
    Kill.TERM: "SIGTERM",
    Kill.SPARE_SHELL: "SIGUSR1",
    Kill.ALL: "SIGUSR2",
    Kill.END: "SIGQUIT",
}
"""What to send to pid 1 of a box that was started with `alone`."""


class Reader(Protocol):
    """Where output comes from: b"" is its end, and a cancelled read loses nothing."""

    async def read(self, n: int, /) -> bytes: ...


class AttachTransport:
    """Speaks to session.sh through its standard streams (stdout and stderr joined in the box)."""

    def __init__(
        self,
        reader: Reader,
        write: Callable[[bytes], Awaitable[None]],
        kill: Callable[[Kill], Awaitable[None]],
        token: str,
        *,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._reader = reader
        self._write = write
        self._kill = kill
        self._close = close
        self._splitter = Splitter(token)
        self._messages: deque[Message] = deque()
        self._gone = False

    async def send(self, data: bytes) -> None:
        try:
            await self._write(data)
        except (OSError, EOFError):
            return  # the box is gone: reading will say so

    async def receive(self) -> Message:
        while not self._messages:
            if self._gone:
                return Gone()
            data = await self._read()
            self._gone = not data
            self._messages.extend(self._splitter.feed(data) if data else self._splitter.end())
        return self._messages.popleft()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(CHUNK)
        except (OSError, EOFError):
            return b""

    async def kill(self, what: Kill) -> None:
        await self._kill(what)

    async def close(self) -> None:
        if self._close is not None:
            await self._close()
