"""Keeps secrets out of everything that is printed.

Besides the value itself its lines are masked, its base64 (wherever in a longer text it begins, and
cut into lines), and its forms in a URL, in JSON and in a shell's trace.

Few forms are searched for one by one, which is fastest; many are found by the three bytes of each
that are rarest in logs, which costs the same however many there are. All occurrences count, and
those that overlap are masked as one, so that what comes out does not depend on how the stream was
cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

SHORTEST = 4
"""Shorter values (and lines) are not masked: `1` or `yes` would make any log unreadable."""
MASK = b"***"
_SHORTEST_BASE64 = 5
_BASE64_PIECE = 16
"""Long base64 is cut into lines somewhere; pieces of this length are masked by themselves."""
_FEW = 48
_COMMON = (
    b" etaoinsrhldcumfpgwybv0123456789./-:_=\n,\"'()[]kxEATSINROCDLPMFUGBHWVjqzYK;+*<>{}@&%$#!|XJZQ"
)
"""The bytes of logs, the most frequent first; what is not here is rarer still."""
_WEIGHT = [1.0] * 256
for _rank, _byte in enumerate(_COMMON):
    _WEIGHT[_byte] = 1.07 ** (len(_COMMON) - _rank)

Anchors = dict[bytes, list[tuple[bytes, int]]]


class Masker:
    """Masks a stream of bytes that comes in pieces.

    Only bytes that may be the beginning of a secret are held back until the next piece or `flush`.
    *ignored* are the values too short to be masked.
    """

    def __init__(self, values: Iterable[str], mask: bytes = MASK) -> None:
        known = [value for value in values if value]
        self.ignored = tuple(value for value in known if len(value.strip()) < SHORTEST)
        forms = {form for value in known for form in forms_of(value)}
        self._mask = mask
        self._idle = not forms
        self._longest = max(map(len, forms), default=0)
        self._held = b""
        self._few = sorted(forms) if len(forms) <= _FEW else []
        if forms:
            self._anchors = _anchors(forms, _rarest)
            self._starts = _anchors(forms, lambda form: 0)
            self._find_anchors = _pattern(self._anchors)
            self._find_starts = _pattern(self._starts)
            self._short_starts = {form[:1] for form in forms} | {form[:2] for form in forms}

    def feed(self, data: bytes) -> bytes:
        """Return what of *data* is safe to print now."""
        if self._idle:
            return data
        data = self._held + data
        found = self._occurrences(data)
        keep = self._keep_from(data)
        # What overlaps a secret that may have begun is masked together with it, later.
        while found and found[-1][1] > keep:
            keep = min(keep, found.pop()[0])
        self._held = data[keep:]
        return self._masked(data[:keep], found)

    def flush(self) -> bytes:
        """Return what was held back; nothing will follow it."""
        held, self._held = self._held, b""
        return self._whole(held)

    def text(self, text: str) -> str:
        """Return *text*, whole and by itself, with secrets masked."""
        if self._idle:
            return text
        return self._whole(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")

    def _whole(self, data: bytes) -> bytes:
        return self._masked(data, self._occurrences(data)) if data else data

    def _masked(self, data: bytes, found: list[tuple[int, int]]) -> bytes:
        if not found:
            return data
        pieces: list[bytes] = []
        at = 0
        for start, end in found:
            pieces += (data[at:start], self._mask)
            at = end
        pieces.append(data[at:])
        return b"".join(pieces)

    def _occurrences(self, data: bytes) -> list[tuple[int, int]]:
        """Return where secrets are, in order; those that overlap are one."""
        found: list[tuple[int, int]] = []
        if self._few:
            for form in self._few:
                at = data.find(form)
                while at >= 0:
                    found.append((at, at + len(form)))
                    at = data.find(form, at + 1)
            return _merged(found) if len(found) > 1 else found
        for hit in self._find_anchors.finditer(data):
            at = hit.start()
            for form, offset in self._anchors.get(data[at : at + 3], ()):
                start = at - offset
                if start >= 0 and data.startswith(form, start):
                    found.append((start, start + len(form)))
        return _merged(found) if len(found) > 1 else found

    def _keep_from(self, data: bytes) -> int:
        """Return where the longest end of *data* begins that is the beginning of a secret."""
        end = len(data)
        first = max(0, end - self._longest + 1)
        for hit in self._find_starts.finditer(data, first):
            at = hit.start()
            rest = end - at
            for form, _ in self._starts.get(data[at : at + 3], ()):
                if len(form) > rest and form.startswith(data[at:]):
                    return at
        for rest in (2, 1):
            if data[-rest:] in self._short_starts and end >= rest:
                return end - rest
        return end


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _rarest(form: bytes) -> int:
    """Return where the three bytes begin that are least to be expected in a log."""
    weights = [_WEIGHT[byte] for byte in form]
    costs = ((a, b * c) for a, b, c in zip(weights, weights[1:], weights[2:], strict=False))
    return min(enumerate(costs), key=lambda item: item[1])[0]


def _anchors(forms: Iterable[bytes], place: Callable[[bytes], int]) -> Anchors:
    anchors: Anchors = {}
    for form in forms:
        at = place(form)
        anchors.setdefault(form[at : at + 3], []).append((form, at))
    return anchors


def _pattern(anchors: Anchors) -> re.Pattern[bytes]:
    """Return what finds every place where one of *anchors* may stand."""
    one, two, three = (
        b"".join({re.escape(key[at : at + 1]) for key in anchors}) for at in range(3)
    )
    # Only one byte is consumed, since anchors may overlap.
    return re.compile(b"[%b](?=[%b][%b])" % (one, two, three), re.DOTALL)


def forms_of(value: str) -> Iterator[bytes]:
    """Return every form of *value* that is worth masking."""
    lines = value.splitlines()
    for text in {value, value.strip(), *(lines if len(lines) > 1 else ())}:
        if len(text.strip()) < SHORTEST:
            continue
        data = text.encode("utf-8", "surrogateescape")
        yield data
        yield from _base64(data)
        yield from _quoted(text.encode("utf-8", "replace").decode())


def _quoted(text: str) -> Iterator[bytes]:
    """Return *text* as it stands in a URL, in JSON and in the trace of a shell."""
    import json
    from urllib.parse import quote, quote_plus

    if text.isascii() and text.isalnum():
        return
    for form in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield form.encode()
        yield re.sub("%..", lambda found: found[0].lower(), form).encode()
    for ascii_only in (True, False):
        plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield plain.encode()
        for character in "<>&":
            plain = plain.replace(character, f"\\u{ord(character):04x}")
        yield plain.encode()
    yield text.replace("'", "'\\''").encode()


def _base64(data: bytes) -> Iterator[bytes]:
    """Return what is the same in the base64 of every text that holds *data*, at each alignment."""
    from base64 import b64encode, urlsafe_b64encode

    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + data)
            start, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
            if end - start >= _SHORTEST_BASE64:
                yield encoded[start:end]
            if end - start > 3 * _BASE64_PIECE:
                for at in range(start, end - _BASE64_PIECE + 1, _BASE64_PIECE):
                    yield encoded[at : at + _BASE64_PIECE]
