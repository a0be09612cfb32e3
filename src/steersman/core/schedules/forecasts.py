"""What will be launched: instants to come, and the moments at which most come together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from steersman.core.schedules import fires, pacing, timetables
from steersman.core.schedules.schedule import Schedule
from steersman.core.schedules.zones import Zone


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


def crowds(
    schedules: Iterable[Schedule], since: int, until: int, rate: float = pacing.RATE
) -> list[Crowd]:
    """Return the minutes with launches, the fullest first."""
    found: Counter[int] = Counter()
    for schedule in schedules:
        for instant in timetables.between(schedule.tables, since, until):
            due = instant + fires.jitter(schedule.name, instant, schedule.jitter)
            found[due // 60 * 60] += 1
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return [Crowd(at, count, pacing.last_launch(rate, count)) for at, count in ordered]
