"""Schedules as rows: what they say, how far each has come, and when to look at it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, func, insert, select, update

from steersman.core.schedules import rows as plain
from steersman.core.schedules.schedule import Cursor
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import projects, schedules

CHANGED = "schedules"
"""The topic of who launches by schedules."""
_CHUNK = 500


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

    A row also has `default_branch`, its project's.
    """
    return tx.all(_DUE, {"now": now, "most": limit})


def next_wake(tx: Transaction) -> float | None:
    """Return when the next schedule is due."""
    query = select(schedules.c.wake).where(schedules.c.wake.is_not(None))
    found = tx.value(query.order_by(schedules.c.wake).limit(1))
    return None if found is None else float(found)


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
