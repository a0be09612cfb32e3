"""Versions of published steps: their order, and the ranges by which somebody asks for one.

A version is `1.2.3` or, before that is ready, `1.2.3-rc.1`. A range is one or more conditions that
all hold: `*`, `1.x`, `1.2`, `~1.2`, `^1.2.3`, `>=1.0 <2`. What is not ready yet is taken only
where the range itself names such a version of the same three numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from steersman.core.errors import UserError

LONGEST = 100
_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_PRE = r"[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PRE}))?")
_PART = rf"(?:{_NUMBER}|[xX*])"
_CONDITION = re.compile(
    rf"\s*(~|\^|>=|<=|>|<|=)?\s*({_PART})(?:\.({_PART})(?:\.({_PART})(?:-({_PRE}))?)?)?(?=[\s<>=~^]|$)"
)
Numbers = tuple[int, int, int]
Compare = Callable[["Version", "Version"], bool]


class Version(NamedTuple):
    """A version, in such a form that the newer one is the greater one."""

    numbers: Numbers
    ready: bool = True
    pre: tuple[tuple[bool, int, str], ...] = ()


class Condition(NamedTuple):
    """One condition: *compare* a version with *bound*."""

    compare: Compare
    bound: Version


class Range(NamedTuple):
    """The versions that meet all *conditions*."""

    conditions: tuple[Condition, ...] = ()

    def holds(self, version: Version) -> bool:
        """Tell whether *version* is in the range."""
        if not version.ready and not any(
            not bound.ready and bound.numbers == version.numbers for _, bound in self.conditions
        ):
            return False
        return all(compare(version, bound) for compare, bound in self.conditions)


def parse(text: str) -> Version | None:
    """Read a version; None for what is none."""
    match = _VERSION.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    return _version((int(major), int(minor), int(patch)), pre)


def _version(numbers: Numbers, pre: str | None) -> Version:
    if pre is None:
        return Version(numbers)
    return Version(numbers, ready=False, pre=tuple(_part(part) for part in pre.split(".")))


def _part(text: str) -> tuple[bool, int, str]:
    # A number comes before any word.
    return (False, int(text), "") if text.isdecimal() else (True, 0, text)


@lru_cache(maxsize=256)
def parse_range(text: str) -> Range:
    """Read a range, which is every version that is ready when it is empty."""
    found: list[Condition] = []
    place, wanted = 0, text.strip()
    while place < len(wanted):
        match = _CONDITION.match(wanted, place) if len(wanted) <= LONGEST else None
        if match is None:
            raise UserError(
                f"{text[:40]!r} is no version and no range of versions",
                hint="write `1.2.3`, `1.x`, `~1.2`, `^1.2`, `>=1.0 <2` or `*`",
            )
        sign, *parts, pre = match.groups()
        found += _conditions(sign or "=", _given(parts), pre)
        place = match.end()
    return Range(tuple(found))


def _given(parts: Iterable[str | None]) -> tuple[int, ...]:
    """Return the numbers before the first that is left open."""
    given: list[int] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        given.append(int(part))
    return tuple(given)


def _conditions(sign: str, given: tuple[int, ...], pre: str | None) -> list[Condition]:
    """Return what a *sign* before these numbers means; numbers left open are any."""
    is_exact = len(given) == 3
    low = _version(_filled(given), pre if is_exact else None)
    if not given:
        # Nothing is older or newer than every version.
        return [Condition(operator.lt, _version((0, 0, 0), "0"))] if sign in ("<", ">") else []
    if sign in _SIMPLE and (is_exact or sign in (">=", "<")):
        return [Condition(_SIMPLE[sign], low)]
    above = Version(_above(given))
    if sign == ">":
        return [Condition(operator.ge, above)]
    if sign == "<=":
        return [Condition(operator.lt, above)]
    high = Version(_above(given[: _kept(sign, given)]))
    return [Condition(operator.ge, low), Condition(operator.lt, high)]


def _kept(sign: str, given: tuple[int, ...]) -> int:
    """Return how many of the numbers may not change."""
    if sign == "~":
        return min(2, len(given))
    if sign == "^":
        return next((place + 1 for place, number in enumerate(given) if number), len(given))
    return len(given)


def _filled(given: tuple[int, ...]) -> Numbers:
    major, minor, patch = (*given, 0, 0, 0)[:3]
    return major, minor, patch


def _above(given: tuple[int, ...]) -> Numbers:
    """Return the first numbers after all that begin with the *given* ones."""
    return _filled((*given[:-1], given[-1] + 1))


_SIMPLE: Mapping[str, Compare] = MappingProxyType(
    {
        "=": operator.eq,
        ">=": operator.ge,
        ">": operator.gt,
        "<=": operator.le,
        "<": operator.lt,
    }
)


def newest(known: Iterable[str], wanted: str) -> str | None:
    """Return the newest of the *known* versions that is *wanted*, a version or a range.

    One that is named exactly is taken however it is spelled; others must be versions.
    """
    texts = list(known)
    if wanted in texts:
        return wanted
    within = parse_range(wanted)
    found = ((parse(text), text) for text in texts)
    fitting = [(version, text) for version, text in found if version and within.holds(version)]
    return max(fitting, default=(None, None))[1]
