"""What happens to schedules, each in one transaction."""

from __future__ import annotations

from functools import lru_cache
from json import dumps, loads
from typing import Any

from steersman.core.schedules import fires, outcomes, planning, specs
from steersman.core.schedules.alarms import What
from steersman.core.schedules.fires import Fire, Reason, State
from steersman.core.schedules.schedule import Cursor, Pause, Schedule
from steersman.server.schedules_book import Book
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction
from steersman.store.schedules import Place


def read(row: Row) -> Schedule:
    """Return what a stored schedule means."""
    return _read(row["id"], dumps(row["spec"], sort_keys=True), row["project_id"])


@lru_cache(maxsize=20_000)
def _read(identity: str, spec: str, project: str) -> Schedule:
    return specs.read(identity, loads(spec), project)


def decide(book: Book, row: Row, now: float) -> Cursor:
    """Write down what becomes of each instant until *now*; return how far that is."""
    schedule = read(row)
    plan = planning.plan(schedule, rows.cursor(row), now)
    for fire in plan.rows:
        book.enter(row, schedule, fire)
    if plan.rows or plan.cursor.decided != row["decided"]:
        book.move(row, schedule, plan.cursor)
    return plan.cursor


def add(tx: Transaction, row: dict[str, Any], now: float) -> None:
    """Add a schedule; what is past is none of its business."""
    schedule = read(row)
    cursor = planning.begin(schedule, now)
    place = Place(cursor, planning.wake(schedule, cursor), _silence(schedule, cursor, now))
    rows.add(tx, {"origin": None, "author": "", **row}, place)


def change(tx: Transaction, row: Row, values: dict[str, Any], now: float) -> None:
    """Let a schedule say something else, or come back after it was removed.

    What was due until now is decided by what it said before. Where its times stay, so does its
    past: only other times begin anew.
    """
    book, back = Book(tx, now), row["removed"] is not None
    cursor = rows.cursor(row) if back else decide(book, row, now)
    book.write()
    after = {**row, **values, "removed": None}
    schedule = read(after)
    if back or schedule.version != row["version"]:
        decided = max(cursor.decided, int(now // 1))
        cursor = cursor._replace(version=schedule.version, decided=decided)
    if back:
        cursor = cursor._replace(pause=None)
    rows.change(tx, row["id"], {**values, "removed": None})
    last = now if back else max(cursor.last_success or 0.0, cursor.created)
    rows.move(tx, Place(cursor, planning.wake(schedule, cursor), _silence(schedule, cursor, last)))
    book.close()


def _silence(schedule: Schedule, cursor: Cursor, since: float) -> float | None:
    most = schedule.alarms.silent
    return None if most is None or cursor.pause is not None else since + most


def remove(tx: Transaction, row: Row, now: float) -> None:
    """Remove a schedule: what it has launched goes on, what waits is skipped."""
    book, schedule = Book(tx, now), read(row)
    decide(book, row, now)
    book.write()
    for fire in ledgers.planned(tx, row["id"]):
        message = "its schedule was removed"
        skipped = fires.ended(fire, State.SKIPPED, Reason.REMOVED, message, now)
        book.give_up(row, schedule, skipped)
    book.still(row, frozenset(What))
    rows.change(tx, row["id"], {"removed": now, "wake": None, "silent": None})
    book.close()


def pause(tx: Transaction, row: Row, new: Pause, now: float) -> None:
    """Launch nothing from now on; instants meanwhile are skipped."""
    book = Book(tx, now)
    cursor = decide(book, row, now)._replace(pause=new)
    book.move(row, read(row), cursor)
    book.close()
    tx.wake(rows.CHANGED)


def resume(tx: Transaction, row: Row, now: float) -> None:
    """Let a schedule go on."""
    book = Book(tx, now)
    cursor = outcomes.resumed(decide(book, row, now))
    book.move(row, read(row), cursor)
    book.still(row, {What.STOPPED})
    book.close()
    tx.wake(rows.CHANGED)


def ask(tx: Transaction, row: Row, by: str, reason: str, now: float) -> Fire:
    """Let a schedule be launched now, as an instant of its own: the first second without one."""
    instant = int(now)
    while not ledgers.note(tx, [fire := outcomes.asked(row["id"], instant, by, reason, now)]):
        instant += 1
    tx.wake(rows.CHANGED)
    return fire
