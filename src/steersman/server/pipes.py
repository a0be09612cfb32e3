"""Bytes between two requests of this server: one puts, one takes, and neither gets far ahead."""

from __future__ import annotations

import asyncio
from contextlib import suppress

MOST = 256 * 1024
"""Bytes that wait before whoever puts must."""


class Pipe:
    """Bytes on their way from one who puts to one who takes."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held = bytearray()
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, data: bytes) -> bool:
        """Wait for room and hand *data* on; False when nobody takes it any more."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._held) < self._most)
            if not self._closed:
                self._held += data
                self._changed.notify_all()
            return not self._closed

    async def take(self, seconds: float) -> bytes | None:
        """Return what is there, b"" when nothing came for *seconds*, None at the end."""
        async with self._changed:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: self._closed or self._held)
            data = bytes(self._held)
            self._held.clear()
            self._changed.notify_all()
            return None if self._closed and not data else data

    async def close(self) -> None:
        """Take nothing more; what is there can still be taken."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()
