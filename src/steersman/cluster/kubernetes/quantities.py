"""Amounts as Kubernetes writes them: `500m`, `2Gi`, `1e3`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

_QUANTITY = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,2}|[numkMGTPE]|[KMGTPE]i)?")
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    **{letter: Decimal(1000 ** (index + 2)) for index, letter in enumerate("MGTPE")},
    **{f"{letter}i": Decimal(1024 ** (index + 1)) for index, letter in enumerate("KMGTPE")},
}


def parse(text: object) -> Decimal:
    """Return the amount in units; `ValueError` for what Kubernetes would not take."""
    return _parsed(str(text))


# A thousand pods say the same few amounts.
@lru_cache(maxsize=1024)
def _parsed(text: str) -> Decimal:
    found = _QUANTITY.fullmatch(text)
    if found is None or len(text) > 40:
        raise ValueError(f"{text[:40]!r} is no amount such as 500m or 2Gi")
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
        return number.scaleb(int(suffix[1:]))
    return number * _FACTORS.get(suffix, Decimal(1))


def total(amounts: Iterable[object]) -> Decimal:
    """Add up amounts; what is no amount counts as nothing."""
    whole = Decimal(0)
    for each in amounts:
        try:
            whole += parse(each)
        except ValueError:
            continue
    return whole
