"""What a clock on the wall shows when an expression matches, without any zone.

A *wall* is a count of seconds as if the wall's clock were UTC. Fields are sets of bits, so the
next and the previous match are found by a few shifts, and matches are counted without naming them.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from steersman.core.schedules import days, units
from steersman.core.schedules.days import Days

DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = date(1, 2, 1).toordinal(), date(9999, 11, 30).toordinal()
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Calendar(NamedTuple):
    """The fields of an expression as masks: bit n stands for the value n."""

    seconds: int
    minutes: int
    hours: int
    months: int
    days: Days

    @property
    def hourly(self) -> bool:
        """Tell whether every hour of a day has matches: such a schedule follows real time."""
        return self.hours == units.HOUR.all


def never(calendar: Calendar) -> bool:
    """Tell whether there is no match at all, in any year."""
    if not (calendar.seconds and calendar.minutes and calendar.hours and calendar.months):
        return True
    return days.never(calendar.days, calendar.months)


def following(calendar: Calendar, wall: int) -> int | None:
    """Return the first match at or after *wall*; None when years end before it."""
    day, second = divmod(wall, DAY)
    if _fits(calendar, day):
        found = _second_from(calendar, second)
        if found is not None:
            return day * DAY + found
    found_day = _day_from(calendar, day + 1)
    if found_day is None:
        return None
    first = _second_from(calendar, 0)
    return None if first is None else found_day * DAY + first


def preceding(calendar: Calendar, wall: int) -> int | None:
    """Return the last match at or before *wall*."""
    day, second = divmod(wall, DAY)
    if _fits(calendar, day):
        found = _second_to(calendar, second)
        if found is not None:
            return day * DAY + found
    found_day = _day_to(calendar, day - 1)
    if found_day is None:
        return None
    last = _second_to(calendar, DAY - 1)
    return None if last is None else found_day * DAY + last


def count(calendar: Calendar, low: int, high: int) -> int:
    """Count the matches from *low* up to, but without, *high*."""
    if high <= low:
        return 0
    first, start = divmod(low, DAY)
    last, stop = divmod(high, DAY)
    found = -_below(calendar, start) if _fits(calendar, first) else 0
    found += _below(calendar, stop) if stop and _fits(calendar, last) else 0
    a_day = calendar.hours.bit_count() * calendar.minutes.bit_count() * calendar.seconds.bit_count()
    return found + a_day * _days_between(calendar, first, last)


def _mask(calendar: Calendar, year: int, month: int) -> int:
    """Return the mask of days that match in a month."""
    if not calendar.months >> month & 1:
        return 0
    first = date(year, month, 1).toordinal() % 7
    return days.of(calendar.days, first, length(year, month))


def length(year: int, month: int) -> int:
    """Return how many days a month has."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _LENGTHS[month] + leap


def _fits(calendar: Calendar, day: int) -> bool:
    at = date.fromordinal(day + _EPOCH)
    return bool(_mask(calendar, at.year, at.month) >> at.day & 1)


def _day_from(calendar: Calendar, day: int) -> int | None:
    if day + _EPOCH >= _LAST_DAY:
        return None
    at = date.fromordinal(day + _EPOCH)
    year, month = at.year, at.month
    mask = _mask(calendar, year, month) >> at.day << at.day
    while not mask:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        if year > 9998:
            return None
        mask = _mask(calendar, year, month)
    return date(year, month, _lowest(mask)).toordinal() - _EPOCH


def _day_to(calendar: Calendar, day: int) -> int | None:
    if day + _EPOCH <= _FIRST_DAY:
        return None
    at = date.fromordinal(day + _EPOCH)
    year, month = at.year, at.month
    mask = _mask(calendar, year, month) & (2 << at.day) - 1
    while not mask:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        if year < 1:
            return None
        mask = _mask(calendar, year, month)
    return date(year, month, mask.bit_length() - 1).toordinal() - _EPOCH


def _days_between(calendar: Calendar, first: int, last: int) -> int:
    """Count the days that match from *first* up to, but without, *last*."""
    found = 0
    day = first
    while day < last:
        at = date.fromordinal(day + _EPOCH)
        left = length(at.year, at.month) - at.day + 1
        mask = _mask(calendar, at.year, at.month) >> at.day
        found += (mask & (1 << min(left, last - day)) - 1).bit_count()
        day += left
    return found


def _second_from(calendar: Calendar, second: int) -> int | None:
    """Return the first matching second of a day from *second* on."""
    hour, rest = divmod(second, 3600)
    minute, second = divmod(rest, 60)
    if calendar.hours >> hour & 1:
        if calendar.minutes >> minute & 1:
            seconds = calendar.seconds >> second << second
            if seconds:
                return hour * 3600 + minute * 60 + _lowest(seconds)
        minutes = calendar.minutes >> minute + 1 << minute + 1
        if minutes:
            return hour * 3600 + _lowest(minutes) * 60 + _lowest(calendar.seconds)
    hours = calendar.hours >> hour + 1 << hour + 1
    if not hours:
        return None
    return _lowest(hours) * 3600 + _lowest(calendar.minutes) * 60 + _lowest(calendar.seconds)


def _second_to(calendar: Calendar, second: int) -> int | None:
    """Return the last matching second of a day up to *second*."""
    hour, rest = divmod(second, 3600)
    minute, second = divmod(rest, 60)
    if calendar.hours >> hour & 1:
        if calendar.minutes >> minute & 1:
            seconds = calendar.seconds & (2 << second) - 1
            if seconds:
                return hour * 3600 + minute * 60 + _highest(seconds)
        minutes = calendar.minutes & (1 << minute) - 1
        if minutes:
            return hour * 3600 + _highest(minutes) * 60 + _highest(calendar.seconds)
    hours = calendar.hours & (1 << hour) - 1
    if not hours:
        return None
    return _highest(hours) * 3600 + _highest(calendar.minutes) * 60 + _highest(calendar.seconds)


def _below(calendar: Calendar, second: int) -> int:
    """Count the matching seconds of a day before *second*."""
    hour, rest = divmod(second, 3600)
    minute, second = divmod(rest, 60)
    minutes, seconds = calendar.minutes.bit_count(), calendar.seconds.bit_count()
    found = (calendar.hours & (1 << hour) - 1).bit_count() * minutes * seconds
    if calendar.hours >> hour & 1:
        found += (calendar.minutes & (1 << minute) - 1).bit_count() * seconds
        if calendar.minutes >> minute & 1:
            found += (calendar.seconds & (1 << second) - 1).bit_count()
    return found


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _highest(mask: int) -> int:
    return mask.bit_length() - 1
