"""The units an expression has fields of, with their bounds and names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]


def _named(words: list[str], first: int) -> Mapping[str, int]:
    """Return each name in full and by its first three letters."""
    full = {word: number for number, word in enumerate(words, first)}
    return MappingProxyType({**full, **{word[:3]: number for word, number in full.items()}})


class Unit(NamedTuple):
    """One kind of field: it holds *low* to *high*."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = MappingProxyType({})

    @property
    def all(self) -> int:
        """Return the mask of every value: bit n stands for n."""
        return (2 << self.high) - (1 << self.low)


SECOND = Unit("second", 0, 59)
MINUTE = Unit("minute", 0, 59)
HOUR = Unit("hour", 0, 23)
DAY = Unit("day of month", 1, 31)
MONTH = Unit("month", 1, 12, _named(_MONTHS, 1))
WEEKDAY = Unit("weekday", 0, 6, _named(_DAYS, 0))

SIX = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def span(low: int, high: int, step: int = 1) -> int:
    """Return the mask of *low*, *low* + *step* and so on up to *high*."""
    mask = 0
    for value in range(low, high + 1, step):
        mask |= 1 << value
    return mask


def values(mask: int) -> list[int]:
    """Return the values in *mask*, in order."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
