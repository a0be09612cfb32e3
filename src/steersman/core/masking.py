"""Keeps secrets out of everything that is printed.

Besides the value itself its lines are masked, its base64 (wherever in a longer text it begins), and
its forms in a URL and in JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Shorter values (and lines) are not masked: `1` or `yes` would make any log unreadable."""
MASK = b"***"


class Masker:
    """Masks a stream of bytes that comes in pieces.

    Only bytes that may be the beginning of a secret are held back until the next piece or `flush`.
    *ignored* are the values too short to be masked.
    """

    def __init__(self, values: Iterable[str], mask: bytes = MASK) -> None:
        known = list(values)
        self.ignored = tuple(value for value in known if 0 < len(value) < SHORTEST)
        forms = sorted({form for value in known for form in _forms(value)}, key=len, reverse=True)
        self._mask = mask
        self._forms = forms
        self._longest = len(forms[0]) if forms else 0
        self._first = bytes(sorted({form[0] for form in forms}))
        self._pattern = re.compile(b"|".join(map(re.escape, forms))) if forms else None
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of *data* is safe to print now."""
        if self._pattern is None:
            return data
        data = self._held + data
        pieces: list[bytes] = []
        at = 0
        keep = self._keep_from(data)
        for found in self._pattern.finditer(data):
            # A shorter secret may stand where a longer one has only begun: wait for its end.
            if found.start() >= keep:
                break
            pieces += [data[at : found.start()], self._mask]
            at = found.end()
        keep = max(keep, at)
        self._held = data[keep:]
        pieces.append(data[at:keep])
        return b"".join(pieces)

    def flush(self) -> bytes:
        """Return what was held back; nothing will follow it."""
        held, self._held = self._held, b""
        return self._pattern.sub(self._mask, held) if self._pattern else held

    def text(self, text: str) -> str:
        """Return *text*, whole and by itself, with secrets masked."""
        if self._pattern is None:
            return text
        masked = self._pattern.sub(self._mask, text.encode("utf-8", "surrogateescape"))
        return masked.decode("utf-8", "surrogateescape")

    def _keep_from(self, data: bytes) -> int:
        """Return where the longest end of *data* begins that is the beginning of a secret."""
        for at in range(max(0, len(data) - self._longest + 1), len(data)):
            if data[at] in self._first:
                tail = data[at:]
                if any(len(form) > len(tail) and form.startswith(tail) for form in self._forms):
                    return at
        return len(data)


def _forms(value: str) -> Iterator[bytes]:
    """Return every form of *value* that is worth masking."""
    texts = {value, *(line.strip("\r") for line in value.splitlines()), value.strip()}
    for text in texts:
        if len(text) < SHORTEST:
            continue
        data = text.encode("utf-8", "surrogateescape")
        yield data
        yield from _base64(data)
        plain = text.encode("utf-8", "replace").decode()
        for form in (
            quote(plain, safe=""),
            quote(plain),
            quote_plus(plain),
            json.dumps(plain)[1:-1],
        ):
            yield form.encode()


def _base64(data: bytes) -> Iterator[bytes]:
    """Return what is the same in the base64 of every text that holds *data*, at each alignment."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + data)
            start = -(-before * 8 // 6)
            end = (before + len(data)) * 8 // 6
            if end - start >= 6:
                yield encoded[start:end]
