"""Ids that sort by the time they were made: 48 bits of milliseconds, then 80 random bits.

Written as 26 lower-case characters of base32 (0-9, a-v), so that an id may stand in a host name,
a path, an address or the name of a pod, and the order of the texts is that of the values.
"""

from __future__ import annotations

import re

LENGTH = 26
RANDOM_BYTES = 10
MOST_MILLISECONDS = 2**48 - 1
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_RANDOM_BITS = 8 * RANDOM_BYTES
# 26 characters hold two bits more than the value has: the first is never above 7.
_ID = re.compile(r"[0-7][0-9a-v]{25}")


def make(milliseconds: int, randomness: bytes) -> str:
    """Make an id of *milliseconds* since the epoch and exactly ten bytes of *randomness*."""
    if not 0 <= milliseconds <= MOST_MILLISECONDS:
        raise ValueError(f"{milliseconds} is no time in milliseconds that an id can hold")
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(randomness)}")
    value = milliseconds << _RANDOM_BITS | int.from_bytes(randomness)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def is_id(text: str) -> bool:
    """Tell whether *text* has the form of an id."""
    return _ID.fullmatch(text) is not None


def milliseconds(identity: str) -> int:
    """Return when *identity* was made, in milliseconds since the epoch."""
    if not is_id(identity):
        raise ValueError(f"{identity[:40]!r} is no id")
    return int(identity, 32) >> _RANDOM_BITS
