"""Schedules and the ledger of their instants, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from steersman.core.runs import State as RunState
from steersman.core.schedules import rows as plain
from steersman.core.schedules.fires import Fire, Key, Kind, State
from steersman.core.schedules.schedule import Cursor
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import fires, projects, runs, schedules, triggers

CHANGED = "schedules"
"""The topic of who launches by schedules."""
_CHUNK = 500
_GOING = [each.value for each in RunState if not each.is_final]
_OPEN: ColumnElement[bool] = literal_column("fires.open")


def cursor(row: Row) -> Cursor:
    """Return how far a schedule has come."""
    return plain.cursor({**row, "schedule": row["id"]})


def moved(row: Row, new: Cursor) -> Row:
    """Return a row as it is after its cursor has moved."""
    columns = plain.of_cursor(new)
    del columns["schedule"]
    return {**row, **columns}


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
    """Return schedules that have an instant to be decided, and keep others from them.

    They are as those of `waiting`.
    """
    return tx.all(_DUE, {"now": now, "most": limit})


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


def add(tx: Transaction, row: dict[str, Any], place: Place) -> None:
    """Add a schedule."""
    tx.execute(insert(schedules), {**row, **_columns(place), "changed": tx.now})
    tx.wake(CHANGED)


def change(tx: Transaction, identity: str, values: dict[str, Any]) -> None:
    """Change what a schedule says."""
    statement = update(schedules).where(schedules.c.id == identity)
    tx.execute(statement.values(**values, changed=tx.now))
    tx.wake(CHANGED)


class Place(NamedTuple):
    """How far a schedule has come, when to look at it again, and when its silence is too long."""

    cursor: Cursor
    wake: float | None
    silent: float | None = None


def move(tx: Transaction, place: Place) -> None:
    """Note how far a schedule has come."""
    columns = {f"new_{name}": value for name, value in _columns(place).items()}
    tx.run(_MOVE, {"schedule": place.cursor.schedule, **columns})


def fired(tx: Transaction, schedule: str, instant: int) -> None:
    """Note the newest instant that was launched, and nothing else."""
    tx.run(_FIRED, {"schedule": schedule, "instant": instant})


def _columns(place: Place) -> dict[str, Any]:
    columns = plain.of_cursor(place.cursor)
    del columns["schedule"]
    return {**columns, "wake": place.wake, "silent": place.silent}


_MOVED = tuple(_columns(Place(Cursor("", 0, 0.0), None)))
_ONE = schedules.c.id == bindparam("schedule")
_MOVE = Prepared(
    update(schedules)
    .where(_ONE)
    .values({name: bindparam(f"new_{name}", type_=schedules.c[name].type) for name in _MOVED})
)
_DUE = Prepared(
    select(schedules, projects.c.default_branch)
    .join_from(schedules, projects)
    .where(schedules.c.wake <= bindparam("now", type_=schedules.c.wake.type))
    .order_by(schedules.c.wake)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=schedules)
)
_FIRED = Prepared(
    update(schedules)
    .where(_ONE, func.coalesce(schedules.c.last_fired, 0) < bindparam("instant"))
    .values(last_fired=bindparam("instant"))
)


def locked(tx: Transaction, identities: Iterable[str]) -> dict[str, Row]:
    """Return schedules that are not removed by their ids, and keep others from them."""
    wanted = sorted(set(identities))
    found: dict[str, Row] = {}
    for start in range(0, len(wanted), _CHUNK):
        some = schedules.c.id.in_(wanted[start : start + _CHUNK])
        query = select(schedules).where(some, schedules.c.removed.is_(None))
        query = query.order_by(schedules.c.id)
        found |= {
            row["id"]: row for row in tx.all(query.with_for_update() if tx.postgres else query)
        }
    return found


def note(tx: Transaction, found: Iterable[Fire]) -> int:
    """Add rows of the ledger; return how many of them were not there."""
    adding = (postgresql.insert if tx.postgres else sqlite.insert)(fires)
    new = adding.on_conflict_do_nothing().returning(fires.c.instant)
    return sum(tx.execute(new, _of_fire(each)).first() is not None for each in found)


def enter(tx: Transaction, fire: Fire) -> None:
    """Add a row of the ledger unless it is there."""
    tx.run(_ENTER[tx.postgres], _of_fire(fire))


def put(tx: Transaction, fire: Fire) -> None:
    """Write down what became of a row that is there."""
    tx.run(_PUT, {f"new_{name}": value for name, value in _of_fire(fire).items()})


def _of_fire(fire: Fire) -> dict[str, Any]:
    data = plain.of_fire(fire)
    schedule, author = data.pop("schedule"), data.pop("by")
    more = {"schedule_id": schedule, "author": author, "last": fire.last, "open": fire.open}
    return data | more


_FIRE = {each.name: each.type for each in fires.c}
_NEW = {name: bindparam(name, type_=kind) for name, kind in _FIRE.items()}
_ENTER = [
    Prepared(insert(fires).values(_NEW).on_conflict_do_nothing())
    for insert in (sqlite.insert, postgresql.insert)
]
"""For SQLite, and for PostgreSQL."""
_PUT = Prepared(
    update(fires)
    .where(
        fires.c.schedule_id == bindparam("new_schedule_id"),
        fires.c.instant == bindparam("new_instant"),
        fires.c.kind == bindparam("new_kind"),
    )
    .values(
        {
            each.name: bindparam(f"new_{each.name}", type_=each.type)
            for each in fires.c
            if not each.primary_key
        }
    )
)


def fire(row: Row) -> Fire:
    """Return a row of the ledger."""
    return plain.fire({**row, "schedule": row["schedule_id"], "by": row["author"]})


def waiting(tx: Transaction, now: float) -> list[tuple[Fire, Row]]:
    """Return each instant that is to be launched by *now*, and its schedule.

    A schedule's row also has `default_branch`, its project's.
    """
    where = (_OPEN, fires.c.state == State.PLANNED.value, fires.c.due <= now)
    return _with_schedules(tx, select(fires).where(*where).order_by(fires.c.due))


def ended(tx: Transaction) -> list[tuple[Fire, Row]]:
    """Return launches whose runs have all ended, or whose trigger is gone."""
    going = select(runs.c.id).where(runs.c.trigger_id == triggers.c.id, runs.c.state.in_(_GOING))
    over = (triggers.c.state != "accepted") & ~going.exists()
    query = select(fires).outerjoin_from(fires, triggers, triggers.c.id == fires.c.run)
    where = (_OPEN, fires.c.state == State.FIRED.value, triggers.c.id.is_(None) | over)
    return _with_schedules(tx, query.where(*where))


def running(
    tx: Transaction, identities: Iterable[str], owners: Iterable[str]
) -> list[tuple[Fire, Row]]:
    """Return launches that go on: those of some schedules, and all of some projects."""
    found: dict[Key, tuple[Fire, Row]] = {}
    fired = select(fires).where(_OPEN, fires.c.state == State.FIRED.value)
    joined = fired.join_from(fires, schedules)
    parts = [(fired, fires.c.schedule_id, sorted(set(identities)))]
    parts += [(joined, schedules.c.project_id, sorted(set(owners)))]
    for query, column, wanted in parts:
        for start in range(0, len(wanted), _CHUNK):
            some = query.where(column.in_(wanted[start : start + _CHUNK]))
            found |= {each.key: (each, row) for each, row in _with_schedules(tx, some)}
    return list(found.values())


def watched(tx: Transaction, now: float) -> list[tuple[Fire, Row]]:
    """Return what is open by *now* of schedules that say something about alarms."""
    says = cast(schedules.c.spec, Text).like('%"alarms"%')
    query = select(fires).join_from(fires, schedules).where(_OPEN, fires.c.due <= now, says)
    return _with_schedules(tx, query)


def anything_runs(tx: Transaction) -> bool:
    """Tell whether any launch goes on."""
    query = select(fires.c.instant).where(_OPEN, fires.c.state == State.FIRED.value)
    return tx.value(query.limit(1)) is not None


def still_planned(tx: Transaction, found: Sequence[Fire]) -> set[Key]:
    """Return the keys of those that are still to be launched."""
    wanted = {each.key for each in found}
    identities = sorted({each.schedule for each in found})
    there: set[Key] = set()
    for start in range(0, len(identities), _CHUNK):
        some = fires.c.schedule_id.in_(identities[start : start + _CHUNK])
        where = (some, _OPEN, fires.c.state == State.PLANNED.value)
        query = select(fires.c.schedule_id, fires.c.instant, fires.c.kind).where(*where)
        there |= {Key(name, at, Kind(kind)) for name, at, kind in tx.execute(query)}
    return wanted & there


def _with_schedules(tx: Transaction, query: Select[Any]) -> list[tuple[Fire, Row]]:
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
