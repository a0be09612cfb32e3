"""The stream of an attached container: frames of 8 bytes of head and then the payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from struct import Struct

_HEAD = Struct(">4xI")


class Frames:
    """Takes the heads of frames out of a stream cut at any byte."""

    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in *data*, of however many frames, joined."""
        if self._left >= len(data):
            self._left -= len(data)
            return data
        at, payload = self._left, [data[: self._left]]
        if self._head:
            data, at = self._head + data[at:], 0
        end = len(data)
        while at + 8 <= end:
            (size,) = _HEAD.unpack_from(data, at)
            payload.append(data[at + 8 : at + 8 + size])
            at += 8 + size
        self._left, self._head = max(at - end, 0), data[at:]
        return b"".join(payload)


class FrameReader:
    """Reads the payload of an attached stream; b"" at its end."""

    def __init__(self, read: Callable[[int], Awaitable[bytes]], first: bytes) -> None:
        self._read = read
        self._first = first
        self._frames = Frames()

    async def read(self, n: int, /) -> bytes:
        while True:
            data, self._first = self._first, b""
            if not data:
                data = await self._read(n)
            if not data:
                return b""
            if payload := self._frames.feed(data):
                return payload
