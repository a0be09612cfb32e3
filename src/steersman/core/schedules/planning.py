"""From the clock to rows: which instants have come, and which of them are still launched.

Asked again at the same time it plans nothing; a clock that goes back plans nothing either, since
what was decided stays decided.
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.schedules import fires, timetables
from steersman.core.schedules.fires import Fire, Kind, Reason, State
from steersman.core.schedules.schedule import Catching, Cursor, Schedule

TOLERANCE = 60.0
"""An instant is on time for so many seconds: no pause of a leader makes it late."""


class Plan(NamedTuple):
    """New rows, and how far the schedule has come by them."""

    rows: tuple[Fire, ...]
    cursor: Cursor


def begin(schedule: Schedule, now: float) -> Cursor:
    """Return the cursor of a schedule that is new: what is past is none of its business."""
    return Cursor(schedule.name, int(now // 1), now, schedule.version)


def plan(schedule: Schedule, cursor: Cursor, now: float, tolerance: float = TOLERANCE) -> Plan:
    """Decide every instant up to *now* that is not decided yet."""
    target = int(now // 1)
    if target <= cursor.decided:
        return Plan((), cursor)
    rows: list[Fire] = []
    pause = cursor.pause
    at = _first(schedule, cursor.decided)
    end = target if schedule.ends is None else min(target, schedule.ends)
    if pause is not None:
        start = max(at, min(end, int(pause.since // 1)))
        stop = end if pause.until is None else min(end, int(pause.until // 1))
        rows += _live(schedule, at, start, now, tolerance)
        rows += _range(schedule, start, stop, (State.SKIPPED, Reason.PAUSED, _paused(cursor)), now)
        at = max(start, stop)
    rows += _live(schedule, at, end, now, tolerance)
    left = None if pause is not None and pause.over(now) else pause
    return Plan(tuple(rows), cursor._replace(decided=target, pause=left))


def next_wake(schedule: Schedule, cursor: Cursor) -> int | None:
    """Return the next instant that is to be decided; None when there is none."""
    found = timetables.next_of(schedule.tables, _first(schedule, cursor.decided))
    if found is not None and schedule.ends is not None and found > schedule.ends:
        return None
    return found


def wake(schedule: Schedule, cursor: Cursor) -> float | None:
    """Return when to look again: at the next instant, or when a pause is over."""
    until = cursor.pause.until if cursor.pause else None
    times = [each for each in (next_wake(schedule, cursor), until) if each is not None]
    return min(times, default=None)


def _first(schedule: Schedule, decided: int) -> int:
    return decided if schedule.starts is None else max(decided, schedule.starts - 1)


def _paused(cursor: Cursor) -> str:
    pause = cursor.pause
    if pause is None:
        return ""
    return f"paused by {pause.by}" + (f": {pause.reason}" if pause.reason else "")


def _live(schedule: Schedule, since: int, until: int, now: float, tolerance: float) -> list[Fire]:
    """Decide the instants later than *since* up to *until*, during which nothing was paused."""
    if until <= since:
        return []
    first = timetables.next_of(schedule.tables, since)
    if first is None or first > until:
        return []
    fresh_from = min(until, max(since, int((now - tolerance) // 1)))
    fresh = list(timetables.between(schedule.tables, max(fresh_from, first - 1), until))
    if first > fresh_from:
        return [_one(schedule, instant, now, Reason.DUE) for instant in fresh]
    caught = _caught(schedule, since, fresh_from, found=bool(fresh))
    rows: list[Fire] = []
    if caught:
        missed = _range(schedule, since, caught[0] - 1, _NOBODY, now)
    else:
        missed = _range(schedule, since, fresh_from, _NOBODY, now)
    rows += missed
    rows += [_one(schedule, instant, now, Reason.CAUGHT_UP) for instant in caught]
    rows += [_one(schedule, instant, now, Reason.DUE) for instant in fresh]
    return rows


_NOBODY = (State.MISSED, Reason.NOT_CAUGHT_UP, "nobody was there to launch it in time")


def _caught(schedule: Schedule, since: int, until: int, *, found: bool) -> list[int]:
    """Return the late instants that are launched all the same, in order."""
    kind, most = schedule.catch_up
    if kind is Catching.NONE or (kind is Catching.LATEST and found):
        return []
    wanted = 1 if kind is Catching.LATEST else most
    instants: list[int] = []
    at = until
    while len(instants) < wanted:
        last = timetables.last_of(schedule.tables, at)
        if last is None or last <= since:
            break
        instants.append(last)
        at = last - 1
    return instants[::-1]


def _one(schedule: Schedule, instant: int, now: float, reason: Reason) -> Fire:
    """Return the row of one instant: to be launched, unless its deadline is over."""
    due = instant + fires.jitter(schedule.name, instant, schedule.jitter)
    row = fires.planned(schedule.name, instant, due, now, reason)
    return too_late(schedule, row, now) or row


def too_late(schedule: Schedule, fire: Fire, now: float) -> Fire | None:
    """Return *fire* missed if its deadline is over; a manual start and a backfill have none."""
    if schedule.deadline is None or fire.kind is not Kind.SCHEDULED or fire.attempt > 1:
        return None
    if now <= fire.due + schedule.deadline:
        return None
    why = fire.message or f"{now - fire.due:.0f} s late"
    message = f"its deadline of {schedule.deadline:g} s was over: {why}"
    return fires.ended(fire, State.MISSED, Reason.TOO_LATE, message, now)


def _range(
    schedule: Schedule, since: int, until: int, what: tuple[State, Reason, str], now: float
) -> list[Fire]:
    """Return one row for all instants later than *since* up to *until*, none without any."""
    if until <= since:
        return []
    first = timetables.next_of(schedule.tables, since)
    if first is None or first > until:
        return []
    last = timetables.last_of(schedule.tables, until)
    count = timetables.count_of(schedule.tables, since, until)
    state, reason, message = what
    row = fires.planned(schedule.name, first, first, now)
    row = fires.ended(row, state, reason, message, now)
    return [row._replace(until=last if count > 1 else None, covers=count)]
