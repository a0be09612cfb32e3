"""What a calendar of a schedule shows: every instant, or how many each hour where they are many."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from steersman.core.schedules import forecasts, timetables
from steersman.core.schedules.forecasts import Coming
from steersman.core.schedules.schedule import Schedule
from steersman.core.schedules.zones import Zone

DAY = 86400
HOUR = 3600
MOST = 400
"""Up to so many instants are named each."""


class Hours(NamedTuple):
    """So many instants (*total*) in the hour of the clock on the wall that begins at *wall*."""

    wall: int
    total: int


class Drawn(NamedTuple):
    """What comes until *until*: *total* instants, each in *instants* unless they are too many."""

    until: int
    total: int
    instants: list[Coming]
    hours: list[Hours]


def draw(schedule: Schedule, now: int, days: int, *, most: int = MOST) -> Drawn:
    """Draw what comes in the next *days* days of the zone's calendar, today included."""
    zone = schedule.tables[0].zone
    since = now if schedule.starts is None else max(now, schedule.starts - 1)
    until = _midnight(zone, now, days) - 1
    last = until if schedule.ends is None else min(until, schedule.ends)
    count = timetables.count_of(schedule.tables, since, last) if last > since else 0
    if count > most:
        return Drawn(until, count, [], _hours(schedule, since, last))
    named = [each for each in forecasts.coming(schedule, now, count) if each.instant <= last]
    return Drawn(until, count, named, [])


def _midnight(zone: Zone, now: int, days: int) -> int:
    """Return when the day begins that is *days* days after the one of *now*."""
    wall = ((now + zone.stretch(now).offset) // DAY + days) * DAY
    offset = zone.stretch(wall - zone.stretch(now).offset).offset
    return wall - offset


def _hours(schedule: Schedule, since: int, last: int) -> list[Hours]:
    """Count the instants of each hour; an hour that comes twice has those of both."""
    zone = schedule.tables[0].zone
    found: Counter[int] = Counter()
    at = since
    while at < last:
        stretch = zone.stretch(at + 1)
        wall = at + 1 + stretch.offset
        end = min(at + HOUR - wall % HOUR, stretch.end - 1, last)
        found[wall // HOUR * HOUR] += timetables.count_of(schedule.tables, at, end)
        at = end
    return [Hours(wall, count) for wall, count in sorted(found.items())]
