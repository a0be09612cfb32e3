"""What will be launched: instants to come, and the moments at which most come together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.schedules import fires, pacing, timetables
from steersman.core.schedules.schedule import Pause, Schedule
from steersman.core.schedules.timetables import Tables
from steersman.core.schedules.zones import Zone

MOST = 1_000_000
"""So many instants are counted before a window is too long."""


class Coming(NamedTuple):
    """An instant to come; *note* says what a change of the clocks does to it."""

    schedule: str
    instant: int
    due: int
    note: str = ""


class Crowd(NamedTuple):
    """So many launches in the minute from *minute* on; the last is *delay* seconds late."""

    minute: int
    launches: int
    delay: float


def coming(schedule: Schedule, now: int, most: int) -> list[Coming]:
    """Return the next *most* instants of a schedule."""
    return list(islice(_coming(schedule, now), most))


def _coming(schedule: Schedule, now: int) -> Iterator[Coming]:
    at = now if schedule.starts is None else max(now, schedule.starts - 1)
    zone = schedule.tables[0].zone
    while True:
        found = timetables.next_of(schedule.tables, at)
        if found is None or (schedule.ends is not None and found > schedule.ends):
            return
        due = found + fires.jitter(schedule.name, found, schedule.jitter)
        yield Coming(schedule.name, found, due, note(zone, found))
        at = found


def between(schedule: Schedule, since: int, until: int, most: int) -> list[Coming]:
    """Return the first *most* instants later than *since* and not later than *until*."""
    found = takewhile(lambda each: each.instant <= until, _coming(schedule, since))
    return list(islice(found, most))


def note(zone: Zone, instant: int) -> str:
    """Say whether the clocks change around an instant."""
    stretch = zone.stretch(instant)
    if stretch.before < stretch.offset and instant == stretch.start:
        return "clocks go forward: the first moment after what does not exist"
    if (
        stretch.before > stretch.offset
        and instant < stretch.start + stretch.before - stretch.offset
    ):
        return "clocks went back: the second of two equal times"
    if stretch.after < stretch.offset and instant >= stretch.end + stretch.after - stretch.offset:
        return "clocks go back: the first of two equal times"
    return ""


def window(schedule: Schedule, pause: Pause | None, since: int, until: int) -> tuple[int, int]:
    """Return the part of a window in which *schedule* launches: later than one, up to the other.

    It ends where it begins when there is none.
    """
    low = since if schedule.starts is None else max(since, schedule.starts - 1)
    high = until if schedule.ends is None else min(until, schedule.ends)
    if pause is not None:
        low = high if pause.until is None else max(low, int(pause.until))
    return low, max(low, high)


def load(
    schedules: Iterable[tuple[Schedule, Pause | None]], since: int, until: int, most: int = MOST
) -> dict[int, int]:
    """Return how many launches begin in each minute that has any, pauses left out.

    Schedules that say the same are counted once and multiplied; what would look at more than *most*
    instants is refused.
    """
    alike: Counter[tuple[Tables, str, int, int, int]] = Counter()
    for schedule, pause in schedules:
        low, high = window(schedule, pause, since, until)
        if low < high:
            seed = schedule.name if schedule.jitter else ""
            alike[tuple(schedule.tables), seed, schedule.jitter, low, high] += 1
    found: Counter[int] = Counter()
    for (tables, seed, jitter, low, high), times in alike.items():
        for instant in timetables.between(tables, low, high):
            most -= 1
            if most < 0:
                raise UserError(
                    "more instants fall into this window than can be counted",
                    hint="make it shorter, or ask for one project",
                )
            found[(instant + fires.jitter(seed, instant, jitter)) // 60 * 60] += times
    return dict(found)


def crowds(found: Mapping[int, int], rate: float = pacing.RATE) -> list[Crowd]:
    """Return the minutes of a load, the fullest first."""
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return [Crowd(at, count, pacing.last_launch(rate, count)) for at, count in ordered]
