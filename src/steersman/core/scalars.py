"""The types of YAML 1.1 as the original knew them, with the written text never lost.

A quoted text is always a text. A plain one may be nothing, a boolean word or an integer; numbers
with a point, dates and `1:30` stay what was written.
"""

from __future__ import annotations

from functools import cache
from re import Pattern

from steersman.core.nodes import Scalar

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})

STR_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
KNOWN_TAGS = STR_TAGS | {f"tag:yaml.org,2002:{name}" for name in ("int", "bool", "float", "null")}

# The first letters of everything that may have a type; most texts are decided by this alone.
_MAY_BE_TYPED = frozenset("0123456789+-~yYnNtTfFoO")
_LARGEST = 2**63


def is_null(scalar: Scalar) -> bool:
    """Say whether nothing was written."""
    return scalar.plain and scalar.text in NULLS and scalar.tag not in STR_TAGS


def raw_text(scalar: Scalar) -> str:
    """Return the text as written: what fields with a fixed type of text hold."""
    return "" if is_null(scalar) else scalar.text


def typed_text(scalar: Scalar) -> str:
    """Return the text after YAML's typing: what a step property holds.

    Booleans become `true` or `false`, integers of 64 bits are written in decimal.
    """
    text = scalar.text
    if not text or not (scalar.plain or scalar.tag) or text[0] not in _MAY_BE_TYPED:
        return text
    if scalar.tag in STR_TAGS:
        return text
    if text in TRUE:
        return "true"
    if text in FALSE:
        return "false"
    if text in NULLS:
        return ""
    number = integer(text)
    return text if number is None else str(number)


def boolean(scalar: Scalar) -> bool | None:
    """Read a boolean word, quoted or not; None if it is none."""
    if scalar.text in TRUE:
        return True
    return False if scalar.text in FALSE else None


def integer(text: str) -> int | None:
    """Read an integer, such as `15`, `0x1f`, octal `017`, `0b11`, `1_000`; None if it is none."""
    if len(text) > 80 or text.startswith("_"):
        return None
    found = _integers().fullmatch(text.replace("_", ""))
    if found is None:
        return None
    sign, digits = found.groups()
    base = 10
    if len(digits) > 1 and digits[0] == "0":
        base = {"x": 16, "X": 16, "b": 2}.get(digits[1], 8)
    value = int(digits, base) * (-1 if sign == "-" else 1)
    return value if -_LARGEST <= value < _LARGEST else None


def number(scalar: Scalar) -> float | None:
    """Read a number with or without a fraction, quoted or not; None if it is none or not finite."""
    whole = integer(scalar.text)
    if whole is not None:
        return float(whole)
    if _fractions().fullmatch(scalar.text) is None:
        return None
    return float(scalar.text)


@cache
def _integers() -> Pattern[str]:
    import re

    return re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0b[01]+|0[0-7]*|[1-9][0-9]*)")


@cache
def _fractions() -> Pattern[str]:
    import re

    return re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{0,15})?|[-+]?\.[0-9]{1,15}")
