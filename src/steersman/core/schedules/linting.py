"""Doubts about a schedule that is valid: what is written may not be what is meant.

Each finding has a code that stays; `docs/cron.md` lists them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from steersman.core.schedules import expressions, timetables, units
from steersman.core.schedules.durations import words
from steersman.core.schedules.expressions import Expression, Mode
from steersman.core.schedules.schedule import Schedule
from steersman.core.schedules.timetables import REAL_TIME, Every, Timetable
from steersman.core.schedules.walls import Calendar

YEAR = 366 * 86400
DENSE = 60
"""Instants of one schedule that are closer than so many seconds are doubtful on the platform."""
_STEP = re.compile(r"^(?:\*|\?|H)/([0-9]+)$")
_FIVE = ("second", "minute", "hour", "day of month", "month")


class Doubt(NamedTuple):
    """One thing that may be meant otherwise."""

    code: str
    message: str
    hint: str | None = None


def lint(expression: Expression, table: Timetable, now: int) -> list[Doubt]:
    """Return the doubts about one expression in its zone, looking two years ahead of *now*."""
    timing = table.timing
    if isinstance(timing, Every):
        return _every(timing)
    found = _fields(expression)
    found += _days(timing)
    found += _times(expression, timing)
    found += _changes(table, now)
    return found + _rare(table, now, expression.mode)


def lint_schedule(schedule: Schedule, now: int) -> list[Doubt]:
    """Return the doubts about a schedule as a whole."""
    found = []
    gap = _shortest_gap(schedule, now)
    if gap is not None and schedule.jitter >= gap:
        message = f"the jitter of {words(schedule.jitter)} is not shorter than the {words(gap)}"
        found.append(Doubt("jitter-too-long", f"{message} between two instants"))
    running = schedule.alarms.running
    if gap is not None and running is not None and running > gap:
        message = f"a run may take {words(running)}, and the next one comes after {words(gap)}"
        hint = "say with `overlap` what should happen then"
        found.append(Doubt("longer-than-interval", message, hint))
    if schedule.ends is not None and schedule.ends < now:
        found.append(Doubt("ended", "its end is past, so it never runs again"))
    if schedule.deadline is not None and schedule.deadline < 1:
        found.append(Doubt("short-deadline", "a launch takes longer than its deadline"))
    return found


def lint_spec(schedule: Schedule, now: int) -> list[Doubt]:
    """Return the doubts about a schedule of a project: of its times, and as a whole."""
    expression = expressions.parse(schedule.texts[0], seed=schedule.name)
    found = lint(expression, schedule.tables[0], now)
    gap = _shortest_gap(schedule, now)
    if gap is not None and gap < DENSE:
        message = f"it starts a run each {words(gap)}"
        found.append(Doubt("dense", message, "a run takes longer to begin than that"))
    return found + lint_schedule(schedule, now)


def _every(timing: Every) -> list[Doubt]:
    if 86400 % timing.seconds == 0 or timing.seconds % 86400 == 0:
        return []
    message = f"every {words(timing.seconds)} falls on other times of day each day"
    return [Doubt("every-uneven", message, "it is counted from its anchor, not from the start")]


def _fields(expression: Expression) -> list[Doubt]:
    """Look at the fields as they are written."""
    fields = expression.text.split()
    fields = fields[1:] if expression.zone else fields
    found = []
    if expression.mode is Mode.ROBFIG1 and len(fields) == 5:
        hint = f"write it with six fields: `0 {' '.join(fields)}` if a crontab's line is meant"
        message = "five fields mean second, minute, hour, day and month here, as in Cronetes"
        found.append(Doubt("five-fields", message, hint))
    names = units.SIX if len(fields) == 6 else units.SIX[1:]
    names = units.SIX[:5] if expression.mode is Mode.ROBFIG1 and len(fields) == 5 else names
    for text, unit in zip(fields, names, strict=False):
        step = _STEP.match(text)
        if step and (unit.high - unit.low + 1) % int(step[1]) and unit is not units.DAY:
            size = unit.high - unit.low + 1
            message = f"{text} starts anew after {size}: the last gap of the {unit.name} is shorter"
            found.append(Doubt("uneven-step", message, "for even gaps write @every"))
        if unit is units.WEEKDAY and re.search(r"(?:^|[,-])7", text):
            message = "7 is Sunday here, and is refused by Cronetes"
            found.append(Doubt("seven", message, "0 and sun mean Sunday everywhere"))
        if unit is not units.DAY and unit is not units.WEEKDAY and text.startswith("?"):
            found.append(Doubt("question-mark", f"? means * in the {unit.name}", "write *"))
    return found


def _days(calendar: Calendar) -> list[Doubt]:
    days = calendar.days
    whole_month = days.of_month == units.DAY.all and not days.month_specials
    whole_week = days.of_week == units.WEEKDAY.all and not days.week_specials
    if whole_month or whole_week:
        return []
    if days.month_star or days.week_star:
        message = "a day must fit both day of month and weekday, since one begins with a star"
        return [Doubt("day-and", message)]
    message = "a day fits if either day of month or weekday does"
    return [Doubt("day-or", message, "for both, make two schedules or check the day in the job")]


def _times(expression: Expression, calendar: Calendar) -> list[Doubt]:
    on_the_hour = calendar.seconds == 1 and calendar.minutes == 1
    if on_the_hour and not expression.spread:
        message = "it runs right on the hour, as most others do"
        return [Doubt("on-the-hour", message, "write H for the minute, or give it a jitter")]
    return []


def _changes(table: Timetable, now: int) -> list[Doubt]:
    """Tell whether a change of the clocks within two years meets a planned time."""
    timing = table.timing
    if not isinstance(timing, Calendar) or table.dst == REAL_TIME:
        return []
    found: dict[str, Doubt] = {}
    at, end = now, now + 2 * YEAR
    while at < end:
        stretch = table.zone.stretch(at)
        before, after = stretch.offset, stretch.after
        if after != before and stretch.end < end:
            code = "dst-gap" if after > before else "dst-fold"
            low, high = sorted((stretch.end + before, stretch.end + after))
            if code not in found and timetables.has(timing, low, high):
                found[code] = _change(code, table)
        at = stretch.end
    return list(found.values())


def _change(code: str, table: Timetable) -> Doubt:
    if code == "dst-gap":
        what = "does not exist on the day when clocks go forward"
        hint = f"it is handled by `dst.gap: {table.dst.gap}`"
    else:
        what = "exists twice on the day when clocks go back"
        hint = f"it is handled by `dst.fold: {table.dst.fold}`"
    return Doubt(code, f"a time of it {what} in {table.zone.name}", hint)


def _rare(table: Timetable, now: int, mode: Mode) -> list[Doubt]:
    found = timetables.after(table, now)
    if found is None:
        return [Doubt("never-again", "it never runs again")]
    if found - now > 5 * YEAR and mode is Mode.ROBFIG1:
        message = f"it runs next in {(found - now) // YEAR} years; Cronetes would say never"
        return [Doubt("rare", message)]
    if found - now > YEAR:
        return [Doubt("rare", f"it runs next in {(found - now) // 86400} days")]
    return []


def _shortest_gap(schedule: Schedule, now: int) -> int | None:
    """Return the shortest time between two of the next instants."""
    shortest, last = None, timetables.next_of(schedule.tables, now)
    for _ in range(20):
        found = None if last is None else timetables.next_of(schedule.tables, last)
        if found is None or last is None:
            break
        shortest = found - last if shortest is None else min(shortest, found - last)
        last = found
    return shortest
