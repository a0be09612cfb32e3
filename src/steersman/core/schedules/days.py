"""Which days of a month an expression means.

Day of month and weekday are joined as in every cron: both must fit if one of them begins with a
star, otherwise either is enough.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from steersman.core.schedules import units

_EVERY_DAY = units.DAY.all


class Rule(StrEnum):
    """A day that depends on the month: `L`, `LW`, `15W`, `mon#2`, `friL`."""

    LAST = "last"
    LAST_WORKING = "last working"
    NEAREST_WORKING = "nearest working"
    NTH = "nth"
    LAST_OF_KIND = "last of its kind"


class Special(NamedTuple):
    """One such day: *a* and *b* are the rule's numbers (`L-3`: 3; `mon#2`: 1 and 2)."""

    rule: Rule
    a: int = 0
    b: int = 0


class Days(NamedTuple):
    """The two fields of days. A *star* says that the field began with one."""

    of_month: int
    month_star: bool
    of_week: int
    week_star: bool
    month_specials: tuple[Special, ...] = ()
    week_specials: tuple[Special, ...] = ()


@lru_cache(maxsize=65536)
def of(days: Days, first: int, length: int) -> int:
    """Return the mask of days in a month whose 1st is weekday *first* (0 Sunday)."""
    existing = units.span(1, length)
    by_month = days.of_month & existing
    for special in days.month_specials:
        by_month |= _special(special, first, length)
    by_week = _weekdays(days.of_week, first) & existing
    for special in days.week_specials:
        by_week |= _special(special, first, length)
    if days.month_star or days.week_star:
        return by_month & by_week
    return by_month | by_week


def never(days: Days, months: int) -> bool:
    """Tell whether no year has such a day; all fourteen kinds of years are looked at."""
    return not any(
        of(days, (january + offset) % 7, length)
        for january in range(7)
        for leap in (False, True)
        for month, offset, length in _months(leap=leap)
        if months >> month & 1
    )


def _months(*, leap: bool) -> list[tuple[int, int, int]]:
    """Return each month with the days before it in its year, and its length."""
    before, found = 0, []
    for month, length in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1):
        days = length + (leap and month == 2)
        found.append((month, before, days))
        before += days
    return found


def _weekdays(mask: int, first: int) -> int:
    """Return the mask of the days of a month that fall on the weekdays of *mask*."""
    if mask == units.WEEKDAY.all:
        return _EVERY_DAY
    week = 0
    for day in range(1, 8):
        week |= (mask >> (first + day - 1) % 7 & 1) << day
    found = 0
    for start in range(0, 35, 7):
        found |= week << start
    return found & _EVERY_DAY


def _special(special: Special, first: int, length: int) -> int:
    rule, a, b = special
    if rule is Rule.LAST:
        return 1 << length - a if length > a else 0
    if rule is Rule.LAST_WORKING:
        return 1 << _nearest_working(length, first, length)
    if rule is Rule.NEAREST_WORKING:
        return 1 << _nearest_working(a, first, length) if a <= length else 0
    one = (a - first) % 7 + 1
    if rule is Rule.NTH:
        day = one + 7 * (b - 1)
        return 1 << day if day <= length else 0
    return 1 << one + (length - one) // 7 * 7


def _nearest_working(day: int, first: int, length: int) -> int:
    """Return the day from Monday to Friday nearest to *day* that is in the same month."""
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day
