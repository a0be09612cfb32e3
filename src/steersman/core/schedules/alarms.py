"""What somebody should be told of: the dead man's switch inside of the scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from steersman.core.schedules.durations import words
from steersman.core.schedules.fires import Fire, Outcome, State
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


class News(NamedTuple):
    """What is to be told: *raised* since the last time, and what is *over*."""

    raised: tuple[Alarm, ...]
    over: tuple[Alarm, ...]


def find(schedule: Schedule, cursor: Cursor, rows: Iterable[Fire], now: float) -> list[Alarm]:
    """Return what is wrong with *schedule* now; *rows* are its open and its newest ones."""
    rules, found = schedule.alarms, []
    for row in rows:
        alarm = _of_row(schedule, row, now)
        if alarm is not None:
            found.append(alarm)
    if cursor.pause is not None:
        if cursor.pause.by == "steersman":
            found.append(Alarm(schedule.name, What.STOPPED, 0, cursor.pause.reason))
        return found
    since = max(cursor.last_success or 0.0, cursor.created)
    if rules.silent is not None and now - since > rules.silent:
        message = f"no success for {words(now - since)}"
        found.append(Alarm(schedule.name, What.SILENT, 0, message))
    return found


def _of_row(schedule: Schedule, row: Fire, now: float) -> Alarm | None:
    rules, name = schedule.alarms, schedule.name
    if row.state is State.MISSED:
        if not rules.missed:
            return None
        many = f"{row.covers} instants were missed" if row.covers > 1 else "missed"
        return Alarm(name, What.MISSED, row.instant, f"{many}: {row.message}")
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


def news(known: Iterable[Alarm], found: Iterable[Alarm]) -> News:
    """Compare what was told with what is; each alarm is told once, and once when it is over."""
    before = {alarm.key: alarm for alarm in known}
    now = {alarm.key: alarm for alarm in found}
    raised = tuple(alarm for key, alarm in now.items() if key not in before)
    over = tuple(alarm for key, alarm in before.items() if key not in now)
    return News(raised, over)
