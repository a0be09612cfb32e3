"""Schedules and the ledger of their instants, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from steersman.core.schedules import rows as plain
from steersman.core.schedules.fires import Fire, Key, State
from steersman.core.schedules.schedule import Cursor
from steersman.store.base import Row, Transaction
from steersman.store.tables import fires, projects, runs, schedules, settings, triggers

CHANGED = "schedules"
"""The topic of who launches by schedules."""
_LEADER = "scheduling"
LONGEST_TERM = 600.0
_CHUNK = 500
_OPEN: ColumnElement[bool] = literal_column("fires.open")


def lead(tx: Transaction, owner: str, seconds: float, now: float) -> int | None:
    """Take, or keep, the leadership; return its number, None while another server has it.

    The row stays locked for the rest of the transaction: nobody takes over meanwhile, and who
    did is seen. Each term has a greater number than the one before.
    """
    new = (postgresql.insert if tx.postgres else sqlite.insert)(settings)
    tx.execute(new.on_conflict_do_nothing(), {"name": _LEADER, "value": ["", 0.0, 0]})
    mine = settings.c.name == _LEADER
    query = select(settings.c.value).where(mine)
    holder, until, fence = tx.value(query.with_for_update() if tx.postgres else query)
    # An end that nobody would set comes from a clock that was wrong.
    if holder != owner and now < until <= now + LONGEST_TERM:
        return None
    if holder != owner or now >= until:
        fence += 1
    tx.execute(update(settings).where(mine).values(value=[owner, now + seconds, fence]))
    return int(fence)


def resign(tx: Transaction, owner: str, now: float) -> None:
    """Let another server lead at once."""
    mine = settings.c.name == _LEADER
    query = select(settings.c.value).where(mine)
    found = tx.value(query.with_for_update() if tx.postgres else query)
    if found is not None and found[0] == owner:
        tx.execute(update(settings).where(mine).values(value=[owner, now, found[2]]))


def cursor(row: Row) -> Cursor:
    """Return how far a schedule has come."""
    return plain.cursor({**row, "schedule": row["id"]})


def of_project(tx: Transaction, project: str, *, lock: bool = False) -> list[Row]:
    """Return the schedules of a project by name, also removed ones."""
    query = select(schedules).where(schedules.c.project_id == project).order_by(schedules.c.name)
    return tx.all(query.with_for_update() if lock and tx.postgres else query)


def has_origin(tx: Transaction, project: str, origin: str) -> bool:
    """Tell whether the file of a branch has schedules here."""
    where = (schedules.c.project_id == project, schedules.c.origin == origin)
    query = select(schedules.c.id).where(*where, schedules.c.removed.is_(None)).limit(1)
    return tx.value(query) is not None


def one(tx: Transaction, project: str, name: str, *, lock: bool = False) -> Row | None:
    """Return a schedule by its name, also a removed one."""
    where = (schedules.c.project_id == project, schedules.c.name == name)
    query = select(schedules).where(*where)
    return tx.one(query.with_for_update() if lock and tx.postgres else query)


def due(tx: Transaction, now: float, limit: int) -> list[Row]:
    """Return schedules that have an instant to be decided, and keep others from them."""
    query = select(schedules).where(schedules.c.wake <= now).order_by(schedules.c.wake)
    query = query.limit(limit)
    return tx.all(query.with_for_update() if tx.postgres else query)


def next_wake(tx: Transaction) -> float | None:
    """Return when the next schedule is due."""
    query = select(schedules.c.wake).where(schedules.c.wake.is_not(None))
    return _time(tx.value(query.order_by(schedules.c.wake).limit(1)))


def anything(tx: Transaction) -> bool:
    """Tell whether there is anything to decide, to launch or to watch, now or later."""
    watched = select(fires.c.due).where(_OPEN).limit(1)
    return next_wake(tx) is not None or tx.value(watched) is not None


def next_due(tx: Transaction) -> float | None:
    """Return when the next planned instant is to be launched."""
    query = select(fires.c.due).where(_OPEN, fires.c.state == State.PLANNED.value)
    return _time(tx.value(query.order_by(fires.c.due).limit(1)))


def _time(value: Any) -> float | None:
    return None if value is None else float(value)


def add(tx: Transaction, row: dict[str, Any], new: Cursor, wake: float | None) -> None:
    """Add a schedule."""
    tx.execute(insert(schedules), {**row, **_columns(new), "wake": wake, "changed": tx.now})
    tx.wake(CHANGED)


def change(tx: Transaction, identity: str, values: dict[str, Any]) -> None:
    """Change what a schedule says."""
    statement = update(schedules).where(schedules.c.id == identity)
    tx.execute(statement.values(**values, changed=tx.now))
    tx.wake(CHANGED)


def move(tx: Transaction, new: Cursor, wake: float | None) -> None:
    """Note how far a schedule has come, and when it is to be looked at again."""
    statement = update(schedules).where(schedules.c.id == new.schedule)
    tx.execute(statement.values(**_columns(new), wake=wake))


def _columns(new: Cursor) -> dict[str, Any]:
    columns = plain.of_cursor(new)
    del columns["schedule"]
    return columns


def note(tx: Transaction, found: Iterable[Fire]) -> int:
    """Add rows of the ledger; return how many of them were not there."""
    adding = (postgresql.insert if tx.postgres else sqlite.insert)(fires)
    new = adding.on_conflict_do_nothing().returning(fires.c.instant)
    return sum(tx.execute(new, _of_fire(each)).first() is not None for each in found)


def put(tx: Transaction, fire: Fire) -> None:
    """Write down what became of a row that is there."""
    which = (
        fires.c.schedule_id == fire.schedule,
        fires.c.instant == fire.instant,
        fires.c.kind == fire.kind.value,
    )
    tx.execute(update(fires).where(*which).values(**_of_fire(fire)))


def _of_fire(fire: Fire) -> dict[str, Any]:
    data = plain.of_fire(fire)
    schedule, author = data.pop("schedule"), data.pop("by")
    more = {"schedule_id": schedule, "author": author, "last": fire.last, "open": fire.open}
    return data | more


def fire(row: Row) -> Fire:
    """Return a row of the ledger."""
    return plain.fire({**row, "schedule": row["schedule_id"], "by": row["author"]})


def open_fires(tx: Transaction, now: float) -> list[tuple[Fire, Row]]:
    """Return each instant that is to be launched by *now* or whose run goes on, and its schedule.

    A schedule's row also has `default_branch`, its project's.
    """
    query = select(fires).where(_OPEN, fires.c.due <= now).order_by(fires.c.due)
    found = [fire(row) for row in tx.all(query)]
    known = {row["id"]: row for row in _named(tx, {each.schedule for each in found})}
    return [(each, known[each.schedule]) for each in found if each.schedule in known]


def _named(tx: Transaction, identities: set[str]) -> list[Row]:
    found: list[Row] = []
    wanted = sorted(identities)
    for start in range(0, len(wanted), _CHUNK):
        query = select(schedules, projects.c.default_branch).join_from(schedules, projects)
        found += tx.all(query.where(schedules.c.id.in_(wanted[start : start + _CHUNK])))
    return found


def planned(tx: Transaction, schedule: str) -> list[Fire]:
    """Return the instants of a schedule that are not launched yet."""
    where = (fires.c.schedule_id == schedule, _OPEN, fires.c.state == State.PLANNED.value)
    return [fire(row) for row in tx.all(select(fires).where(*where))]


def ledger(
    tx: Transaction,
    schedule: str,
    states: Sequence[str] = (),
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[Fire]:
    """Return up to one more than *limit* rows, the newest instant first."""
    query = select(fires).where(fires.c.schedule_id == schedule)
    if states:
        query = query.where(fires.c.state.in_(states))
    if before is not None:
        instant, kind = before
        same = (fires.c.instant == instant) & (fires.c.kind > kind)
        query = query.where((fires.c.instant < instant) | same)
    query = query.order_by(fires.c.instant.desc(), fires.c.kind).limit(limit + 1)
    return [fire(row) for row in tx.all(query)]


def holding(tx: Transaction, schedule: str, instant: int) -> list[Fire]:
    """Return the rows that stand for an instant."""
    where = (fires.c.schedule_id == schedule, fires.c.instant <= instant, fires.c.last >= instant)
    return [fire(row) for row in tx.all(select(fires).where(*where).order_by(fires.c.kind))]


def known(tx: Transaction, key: Key) -> bool:
    """Tell whether there is a row of this key."""
    where = (fires.c.schedule_id == key.schedule, fires.c.instant == key.instant)
    query = select(fires.c.state).where(*where, fires.c.kind == key.kind.value)
    return tx.value(query) is not None


def triggers_of(tx: Transaction, identities: Iterable[str]) -> dict[str, tuple[Row, list[Row]]]:
    """Return triggers by their ids, each with its runs."""
    wanted = sorted(set(identities))
    found: dict[str, tuple[Row, list[Row]]] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        columns = (triggers.c.id, triggers.c.state, triggers.c.message)
        for row in tx.all(select(*columns).where(triggers.c.id.in_(part))):
            found[row["id"]] = (row, [])
        made = (runs.c.id, runs.c.trigger_id, runs.c.number, runs.c.state, runs.c.ended)
        query = select(*made, runs.c.message).where(runs.c.trigger_id.in_(part))
        for row in tx.all(query.order_by(runs.c.number)):
            if row["trigger_id"] in found:
                found[row["trigger_id"]][1].append(row)
    return found


def prune(tx: Transaction, before: float) -> int:
    """Remove rows that were over before then, and removed schedules of which nothing is left."""
    old = (fires.c.since < before, ~_OPEN)
    gone = tx.execute(delete(fires).where(*old)).rowcount
    left = select(fires.c.instant).where(fires.c.schedule_id == schedules.c.id).exists()
    tx.execute(delete(schedules).where(schedules.c.removed < before, ~left))
    return int(gone)
