"""From expressions to instants: zones, days with 23 and 25 hours, several expressions at once.

When clocks are put forward some times of day do not exist: they are skipped, or shift to the first
moment that exists (to the last one where that is another day already). When clocks are put back
some exist twice: the first, the second or both count. A schedule with matches in every hour follows
real time instead, unless it says otherwise.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from steersman.core.schedules import walls
from steersman.core.schedules.walls import DAY, Calendar
from steersman.core.schedules.zones import UTC, Stretch, Zone

# More than any change of a zone has ever moved a clock.
_MARGIN = 3 * DAY
_BEGINNING = -(10**10)


class Gap(StrEnum):
    """What becomes of a time that does not exist."""

    SKIP = "skip"
    SHIFT = "shift"


class Fold(StrEnum):
    """Which of two equal times counts."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class Dst(NamedTuple):
    """The policy for changes of the offset."""

    gap: Gap = Gap.SHIFT
    fold: Fold = Fold.FIRST


ONCE_A_DAY = Dst()
REAL_TIME = Dst(Gap.SKIP, Fold.BOTH)


class Every(NamedTuple):
    """Every so many seconds, counted from *anchor*: no restart moves it."""

    seconds: int
    anchor: int = 0


class Timetable(NamedTuple):
    """One expression in one zone."""

    timing: Calendar | Every
    zone: Zone = UTC
    dst: Dst = ONCE_A_DAY


@lru_cache(maxsize=1 << 16)
def after(table: Timetable, instant: int) -> int | None:
    """Return the first instant later than *instant*.

    Remembered, since planning asks twice and many schedules have one timetable.
    """
    timing = table.timing
    if isinstance(timing, Every):
        return timing.anchor + ((instant - timing.anchor) // timing.seconds + 1) * timing.seconds
    while True:
        stretch = table.zone.stretch(instant + 1)
        low, high = _window(stretch, table.dst)
        wall = walls.following(timing, max(instant + 1 + stretch.offset, low))
        found = [] if wall is None or wall >= high else [wall - stretch.offset]
        found += [each for each in _shifted(timing, stretch, table.dst) if each > instant]
        if found:
            return min(found)
        if wall is None:
            return None
        if stretch.end - instant > _MARGIN:
            instant = max(stretch.end - 1, wall - stretch.offset - _MARGIN)
        else:
            instant = stretch.end - 1


def before(table: Timetable, instant: int) -> int | None:
    """Return the last instant that is not later than *instant*."""
    timing = table.timing
    if isinstance(timing, Every):
        return timing.anchor + (instant - timing.anchor) // timing.seconds * timing.seconds
    while instant > _BEGINNING:
        stretch = table.zone.stretch(instant)
        low, high = _window(stretch, table.dst)
        wall = walls.preceding(timing, min(instant + stretch.offset, high - 1))
        found = [] if wall is None or wall < low else [wall - stretch.offset]
        found += [each for each in _shifted(timing, stretch, table.dst) if each <= instant]
        if found:
            return max(found)
        if wall is None:
            return None
        if instant - stretch.start > _MARGIN:
            instant = min(stretch.start - 1, wall - stretch.offset + _MARGIN)
        else:
            instant = stretch.start - 1
    return None


def count(table: Timetable, since: int, until: int) -> int:
    """Count the instants later than *since* and not later than *until*, without naming them."""
    timing = table.timing
    if isinstance(timing, Every):
        anchor, seconds = timing.anchor, timing.seconds
        return max(0, (until - anchor) // seconds - (since - anchor) // seconds)
    found, at = 0, since + 1
    while at <= until:
        stretch = table.zone.stretch(at)
        end = min(stretch.end, until + 1)
        low, high = _window(stretch, table.dst)
        start_wall, end_wall = max(at + stretch.offset, low), min(end + stretch.offset, high)
        found += walls.count(timing, start_wall, end_wall)
        for each in _shifted(timing, stretch, table.dst):
            if at <= each < end and not _matches(timing, each + stretch.offset, low, high):
                found += 1
        at = end
    return found


def _window(stretch: Stretch, dst: Dst) -> tuple[int, int]:
    """Return from which wall up to which one the matches of a stretch count."""
    low, high = stretch.start + stretch.offset, stretch.end + stretch.offset
    if dst.fold is Fold.FIRST and stretch.before > stretch.offset:
        low = stretch.start + stretch.before
    elif dst.fold is Fold.SECOND and stretch.after < stretch.offset:
        high = stretch.end + stretch.after
    return low, high


def _shifted(calendar: Calendar, stretch: Stretch, dst: Dst) -> list[int]:
    """Return the first or the last instant of a stretch where a match next to it does not exist."""
    if dst.gap is Gap.SKIP:
        return []
    found = []
    if stretch.before < stretch.offset:
        low, high = stretch.start + stretch.before, stretch.start + stretch.offset
        # Only times of the very day on which the clock goes on.
        if has(calendar, max(low, high // DAY * DAY), high):
            found.append(stretch.start)
    if stretch.after > stretch.offset:
        low, high = stretch.end + stretch.offset, stretch.end + stretch.after
        midnight = ((low - 1) // DAY + 1) * DAY
        if midnight <= high and has(calendar, low, midnight):
            found.append(stretch.end - 1)
    return found


def has(calendar: Calendar, low: int, high: int) -> bool:
    """Tell whether a wall from *low* up to *high* matches."""
    wall = walls.following(calendar, low) if low < high else None
    return wall is not None and wall < high


def _matches(calendar: Calendar, wall: int, low: int, high: int) -> bool:
    return low <= wall < high and walls.following(calendar, wall) == wall


Tables = Sequence[Timetable]
"""The expressions of one schedule; an instant that several name is one."""


def next_of(tables: Tables, instant: int) -> int | None:
    """Return the first instant of any table later than *instant*."""
    if len(tables) == 1:
        return after(tables[0], instant)
    found = (after(table, instant) for table in tables)
    return min((each for each in found if each is not None), default=None)


def last_of(tables: Tables, instant: int) -> int | None:
    """Return the last instant of any table that is not later than *instant*."""
    found = (before(table, instant) for table in tables)
    return max((each for each in found if each is not None), default=None)


def between(tables: Tables, since: int, until: int) -> Iterator[int]:
    """Give the instants later than *since* and not later than *until*, in order, each once."""
    if len(tables) == 1:
        yield from _run(tables[0], since, until)
        return
    last = None
    for instant in heapq.merge(*(_run(table, since, until) for table in tables)):
        if instant != last:
            yield instant
        last = instant


def count_of(tables: Tables, since: int, until: int) -> int:
    """Count what `between` would give; of one table without naming each."""
    if len(tables) == 1:
        return count(tables[0], since, until)
    return sum(1 for _ in between(tables, since, until))


def _run(table: Timetable, since: int, until: int) -> Iterator[int]:
    instant = after(table, since)
    while instant is not None and instant <= until:
        yield instant
        instant = after(table, instant)
