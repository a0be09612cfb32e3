"""The log on its way: kept on disk first, sent from there, and complete only when acknowledged."""

from __future__ import annotations

import os
from pathlib import Path

from steersman.core.errors import UserError

NOTE = b"\n[steersman] the log is too long: what follows is left out\n"


class Spool:
    """A log in a file that only grows, up to *limit* bytes. *sent* is what the server has."""

    def __init__(self, path: Path, limit: int) -> None:
        self.sent = 0
        self._limit = limit
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self.size = 0
        self.cut = False

    def write(self, data: bytes) -> None:
        """Add *data*; past the limit the log says so once, and takes no more."""
        if self.cut:
            return
        room = self._limit - len(NOTE) - self.size
        if len(data) > room:
            data = data[: max(room, 0)] + NOTE
            self.cut = True
        rest = memoryview(data)
        while rest:
            written = os.write(self._file, rest)
            self.size += written
            rest = rest[written:]

    def unsent(self, most: int) -> bytes:
        """Return what is next to be sent, at most *most* bytes."""
        return os.pread(self._file, min(most, self.size - self.sent), self.sent)

    def acknowledged(self, size: int) -> None:
        """Note that the server has the first *size* bytes."""
        if size > self.size:
            raise UserError(f"the server has {size} bytes of a log of {self.size}")
        self.sent = size

    @property
    def complete(self) -> bool:
        return self.sent == self.size

    def close(self) -> None:
        os.close(self._file)
