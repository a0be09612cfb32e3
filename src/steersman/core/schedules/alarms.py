"""What somebody should be told of: the dead man's switch inside of the scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from steersman.core.schedules.durations import words
from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.core.schedules.outcomes import OURSELVES
from steersman.core.schedules.schedule import Cursor, Schedule


class What(StrEnum):
    """The kinds of alarms."""

    MISSED = "missed"
    LATE = "late"
    RUNNING = "running-too-long"
    SILENT = "no-success"
    STOPPED = "stopped"


class Alarm(NamedTuple):
    """One thing that is wrong. *instant* is 0 where no single instant is meant."""

    schedule: str
    what: What
    instant: int
    message: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.schedule, self.what, self.instant


class Raised(NamedTuple):
    """An alarm, and since when it holds."""

    alarm: Alarm
    at: float


class News(NamedTuple):
    """What is to be told: *raised* since the last time, and what is *over*."""

    raised: tuple[Alarm, ...]
    over: tuple[Alarm, ...]


def find(schedule: Schedule, cursor: Cursor, rows: Iterable[Fire], now: float) -> list[Alarm]:
    """Return what is wrong with *schedule* now; *rows* are its open and its newest ones."""
    found = [alarm for row in rows if (alarm := of_row(schedule, row, now)) is not None]
    found += [alarm for alarm in (stopped(schedule, cursor),) if alarm is not None]
    since = max(cursor.last_success or 0.0, cursor.created)
    silence = schedule.alarms.silent
    if cursor.pause is None and silence is not None and now - since > silence:
        found.append(silent(schedule, cursor, now))
    return found


def of_row(schedule: Schedule, row: Fire, now: float) -> Alarm | None:
    """Return what is wrong with one instant."""
    rules, name = schedule.alarms, schedule.name
    if row.state is State.MISSED:
        return missed(schedule, row)
    launched = row.launched if row.state is State.FIRED else None
    late = (launched or now) - row.due
    if rules.late is not None and late > rules.late and row.state is not State.SKIPPED:
        what = f"launched {words(late)} late" if launched else f"not launched for {words(late)}"
        return Alarm(name, What.LATE, row.instant, what)
    if rules.running is not None and row.outcome is Outcome.RUNNING and launched is not None:
        takes = now - launched
        if takes > rules.running:
            return Alarm(name, What.RUNNING, row.instant, f"runs for {words(takes)}")
    return None


def missed(schedule: Schedule, row: Fire) -> Alarm | None:
    """Return the alarm of a row that was missed, None where nobody wants to know."""
    if not schedule.alarms.missed or row.state is not State.MISSED:
        return None
    many = f"{row.covers} instants were missed" if row.covers > 1 else "missed"
    return Alarm(schedule.name, What.MISSED, row.instant, f"{many}: {row.message}")


def stopped(schedule: Schedule, cursor: Cursor) -> Alarm | None:
    """Return the alarm of a schedule that has paused itself."""
    if cursor.pause is None or cursor.pause.by != OURSELVES:
        return None
    return Alarm(schedule.name, What.STOPPED, 0, cursor.pause.reason)


def silent(schedule: Schedule, cursor: Cursor, now: float) -> Alarm:
    """Return the alarm of a schedule without a success for too long."""
    since = max(cursor.last_success or 0.0, cursor.created)
    return Alarm(schedule.name, What.SILENT, 0, f"no success for {words(now - since)}")


def silence(
    schedule: Schedule, before: Cursor, after: Cursor, known: float | None, now: float
) -> float | None:
    """Return when silence becomes an alarm, after a cursor has moved; *known* is what held before.

    It counts from the last success, and anew from the end of a pause, during which none is awaited.
    """
    most = schedule.alarms.silent
    if most is None or after.pause is not None:
        return None
    if after.last_success != before.last_success:
        return (after.last_success or now) + most
    return now + most if before.pause is not None else known


def news(known: Iterable[Alarm], found: Iterable[Alarm]) -> News:
    """Compare what was told with what is; each alarm is told once, and once when it is over."""
    before = {alarm.key: alarm for alarm in known}
    now = {alarm.key: alarm for alarm in found}
    raised = tuple(alarm for key, alarm in now.items() if key not in before)
    over = tuple(alarm for key, alarm in before.items() if key not in now)
    return News(raised, over)
