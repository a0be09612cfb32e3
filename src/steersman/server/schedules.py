"""What happens to schedules and their instants, each in one transaction."""

from __future__ import annotations

from functools import lru_cache
from json import dumps, loads
from typing import Any

from steersman.core.schedules import fires, outcomes, planning, specs
from steersman.core.schedules.fires import Fire, Reason, State
from steersman.core.schedules.schedule import Cursor, Pause, Schedule
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction


def read(row: Row) -> Schedule:
    """Return what a stored schedule means."""
    return _read(row["id"], dumps(row["spec"], sort_keys=True), row["project_id"])


@lru_cache(maxsize=20_000)
def _read(identity: str, spec: str, project: str) -> Schedule:
    return specs.read(identity, loads(spec), project)


def decide(tx: Transaction, row: Row, now: float) -> Cursor:
    """Write down what becomes of each instant until *now*; return how far that is."""
    schedule = read(row)
    plan = planning.plan(schedule, rows.cursor(row), now)
    rows.note(tx, plan.rows)
    if plan.rows or plan.cursor.decided != row["decided"]:
        move(tx, schedule, plan.cursor)
    return plan.cursor


def move(tx: Transaction, schedule: Schedule, cursor: Cursor) -> None:
    """Keep a cursor, with the moment at which there is something to decide again."""
    rows.move(tx, cursor, _wake(schedule, cursor))


def _wake(schedule: Schedule, cursor: Cursor) -> float | None:
    """Return when to look next: at the next instant, or when its pause is over."""
    until = cursor.pause.until if cursor.pause else None
    times = [each for each in (planning.next_wake(schedule, cursor), until) if each is not None]
    return min(times, default=None)


def add(tx: Transaction, row: dict[str, Any], now: float) -> None:
    """Add a schedule; what is past is none of its business."""
    schedule = read(row)
    cursor = planning.begin(schedule, now)
    rows.add(
        tx, {"origin": None, "author": "", **row}, cursor, planning.next_wake(schedule, cursor)
    )


def change(tx: Transaction, row: Row, values: dict[str, Any], now: float) -> None:
    """Let a schedule say something else, or come back after it was removed.

    What was due until now is decided by what it said before. Where its times stay, so does its
    past: only other times begin anew.
    """
    cursor = rows.cursor(row) if row["removed"] is not None else decide(tx, row, now)
    after = {**row, **values, "removed": None}
    schedule = read(after)
    if row["removed"] is not None or schedule.version != row["version"]:
        decided = max(cursor.decided, int(now // 1))
        cursor = cursor._replace(version=schedule.version, decided=decided)
    if row["removed"] is not None:
        cursor = cursor._replace(pause=None)
    rows.change(tx, row["id"], {**values, "removed": None})
    move(tx, schedule, cursor)


def remove(tx: Transaction, row: Row, now: float) -> None:
    """Remove a schedule: what it has launched goes on, what waits is skipped."""
    decide(tx, row, now)
    for fire in rows.planned(tx, row["id"]):
        message = "its schedule was removed"
        rows.put(tx, fires.ended(fire, State.SKIPPED, Reason.REMOVED, message, now))
    rows.change(tx, row["id"], {"removed": now, "wake": None})


def pause(tx: Transaction, row: Row, new: Pause, now: float) -> None:
    """Launch nothing from now on; instants meanwhile are skipped."""
    cursor = decide(tx, row, now)._replace(pause=new)
    move(tx, read(row), cursor)
    tx.wake(rows.CHANGED)


def resume(tx: Transaction, row: Row, now: float) -> None:
    """Let a schedule go on."""
    cursor = outcomes.resumed(decide(tx, row, now))
    move(tx, read(row), cursor)
    tx.wake(rows.CHANGED)


def ask(tx: Transaction, row: Row, by: str, reason: str, now: float) -> Fire:
    """Let a schedule be launched now, as an instant of its own: the first second without one."""
    instant = int(now)
    while not rows.note(tx, [fire := outcomes.asked(row["id"], instant, by, reason, now)]):
        instant += 1
    tx.wake(rows.CHANGED)
    return fire
