"""Several tar archives as one."""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)
_LARGEST_HEADER = 1024 * 1024


class Body:
    """Passes an archive that comes in pieces, all but the zeros that end it.

    What a file holds is never looked at, so it may be zeros too.
    """

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        self._size: int | None = None
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """Return what of the archive is known with *piece*."""
        data = self._held + piece
        at = 0
        while not self._ended and at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            elif not (step := self._header(data, at)):
                break
            at += step
        self._held = b"" if self._ended else data[at:]
        return data[:at]

    def _header(self, data: bytes, at: int) -> int:
        """Take a header, with its body if that is about the next; 0 when some of it is missing."""
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            return 0
        if not any(header):
            self._ended = True
            return 0
        size = _number(header[124:136]) if self._size is None else self._size
        padded = -(-size // BLOCK) * BLOCK
        if header[156:157] == b"x" and padded <= _LARGEST_HEADER:
            body = data[at + BLOCK : at + BLOCK + padded]
            if len(body) < padded:
                return 0
            self._size = _size(body[:size])
            return BLOCK + padded
        self._size = None
        self._left = padded
        return BLOCK


def _number(field: bytes) -> int:
    return int(field.strip(b"\0 ") or b"0", 8)


def _size(body: bytes) -> int | None:
    """Return the size that a pax header gives, which is there only when it is too large for tar."""
    at = 0
    while at < len(body):
        length = int(body[at:].split(b" ", 1)[0])
        name, _, value = body[at : at + length].split(b" ", 1)[1].partition(b"=")
        if name == b"size":
            return int(value)
        at += length
    return None
