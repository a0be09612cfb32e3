"""HTTP/1.1 in bytes: what a request begins with, and what an answer's head says.

Strict: what is not quite as it should be is no answer at all, since one that is misread would make
the next one on its connection another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

MOST_HEADERS = 200
CHUNKED = -1
"""A length that each piece of the body says for itself."""
ENDLESS = -2
"""A length that the end of the connection tells."""
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Garbled(Exception):
    """What came is no HTTP."""


class Unwritable(Exception):
    """A header or a target that no request can carry."""


class Head(NamedTuple):
    """What stands before the body of an answer; *length* is the body's, *kept* the connection."""

    status: int
    headers: Mapping[str, str]
    length: int
    kept: bool


def request(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return what a request begins with. Names of headers are ours."""
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise Unwritable(f"the path {target[:100]!r} holds what no path can")
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers:
        if not value.isprintable() or value != value.strip():
            raise Unwritable(f"the header {name} holds what no header can")
        lines.append(f"{name}: {value}")
    try:
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")
    except UnicodeEncodeError:
        raise Unwritable("a header holds a character that none can") from None


def head(data: bytes, method: str) -> Head:
    """Read the head of an answer to *method*, up to and with the empty line at its end."""
    first, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    version, _, rest = first.partition(b" ")
    code = rest[:3]
    if version not in _VERSIONS or not _is_number(code, 3) or rest[3:4] not in (b"", b" "):
        raise Garbled(f"an answer that begins with {first[:80]!r}")
    if len(lines) > MOST_HEADERS:
        raise Garbled("an answer with too many headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, value = _header(line)
        if name in ("content-length", "transfer-encoding") and headers.get(name, value) != value:
            raise Garbled(f"an answer with two of {name}")
        headers[name] = value
    length = _length(int(code), method, headers)
    closing = "close" in headers.get("connection", "").lower()
    return Head(int(code), headers, length, version == _VERSIONS[0] and not closing)


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    text = name.decode("latin-1")
    if not colon or not name or not text.isprintable() or " " in text or not text.isascii():
        raise Garbled(f"a header that is none: {line[:80]!r}")
    if any(each in value for each in b"\r\n\0"):
        raise Garbled(f"a header that ends in the middle: {line[:80]!r}")
    return text.lower(), value.strip(b" \t").decode("latin-1")


def _length(status: int, method: str, headers: Mapping[str, str]) -> int:
    if method == "HEAD" or status in (204, 304) or status < 200:
        return 0
    coding, said = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or said is not None:
            raise Garbled(f"a body of no certain length, {coding[:40]}")
        return CHUNKED
    if said is None:
        return ENDLESS
    if not said.isascii() or not _is_number(said.encode()):
        raise Garbled(f"a body of the length {said[:40]!r}")
    return int(said)


def chunk(line: bytes) -> int:
    """Return how long a piece is that *line* announces; 0 is the end of the body."""
    size = line.removesuffix(b"\r\n").partition(b";")[0].strip(b" \t")
    if not 0 < len(size) <= 16 or not _HEX.issuperset(size):
        raise Garbled(f"a piece of the length {line[:40]!r}")
    return int(size, 16)


def _is_number(text: bytes, digits: int = 0) -> bool:
    return text.isdigit() and (len(text) == digits or (not digits and len(text) < 19))
