"""The ledger of schedules as rows: what became of each instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from steersman.core.schedules import rows as plain
from steersman.core.schedules.fires import Fire, Key, Kind, State
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import fires, schedules

OPEN: ColumnElement[bool] = literal_column("fires.open")
"""There is something to do or to watch; as the index of such rows has it."""
_CHUNK = 500


def note(tx: Transaction, found: Iterable[Fire]) -> int:
    """Add rows of the ledger; return how many of them were not there."""
    adding = (postgresql.insert if tx.postgres else sqlite.insert)(fires)
    new = adding.on_conflict_do_nothing().returning(fires.c.instant)
    return sum(tx.execute(new, of_fire(each)).first() is not None for each in found)


def enter(tx: Transaction, fire: Fire) -> None:
    """Add a row of the ledger unless it is there."""
    tx.run(_ENTER[tx.postgres], of_fire(fire))


def put(tx: Transaction, fire: Fire) -> None:
    """Write down what became of a row that is there."""
    tx.run(_PUT, {f"new_{name}": value for name, value in of_fire(fire).items()})


def of_fire(fire: Fire) -> dict[str, Any]:
    """Return the columns of a row."""
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


def anything_runs(tx: Transaction) -> bool:
    """Tell whether any launch goes on."""
    query = select(fires.c.instant).where(OPEN, fires.c.state == State.FIRED.value)
    return tx.value(query.limit(1)) is not None


def still_planned(tx: Transaction, found: Sequence[Fire]) -> set[Key]:
    """Return the keys of those that are still to be launched."""
    wanted = {each.key for each in found}
    identities = sorted({each.schedule for each in found})
    there: set[Key] = set()
    for start in range(0, len(identities), _CHUNK):
        some = fires.c.schedule_id.in_(identities[start : start + _CHUNK])
        where = (some, OPEN, fires.c.state == State.PLANNED.value)
        query = select(fires.c.schedule_id, fires.c.instant, fires.c.kind).where(*where)
        there |= {Key(name, at, Kind(kind)) for name, at, kind in tx.execute(query)}
    return wanted & there


def next_due(tx: Transaction) -> float | None:
    """Return when the next planned instant is to be launched."""
    query = select(fires.c.due).where(OPEN, fires.c.state == State.PLANNED.value)
    found = tx.value(query.order_by(fires.c.due).limit(1))
    return None if found is None else float(found)


def planned(tx: Transaction, schedule: str) -> list[Fire]:
    """Return the instants of a schedule that are not launched yet."""
    where = (fires.c.schedule_id == schedule, OPEN, fires.c.state == State.PLANNED.value)
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


def newest(tx: Transaction, identities: Sequence[str], count: int) -> dict[str, list[Fire]]:
    """Return the newest *count* rows of the ledger of each of these schedules, newest first."""
    one = fires.alias()
    # Where the newest ones begin is looked up in the key; all rows of a schedule may be many.
    first = (
        select(one.c.instant)
        .where(one.c.schedule_id == schedules.c.id)
        .order_by(one.c.instant.desc())
        .offset(count - 1)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(fires)
        .select_from(schedules.join(fires))
        .where(schedules.c.id.in_(identities), fires.c.instant >= func.coalesce(first, 0))
        .order_by(fires.c.instant.desc(), fires.c.kind)
    )
    found: dict[str, list[Fire]] = {identity: [] for identity in identities}
    for row in tx.all(query):
        of = found[row["schedule_id"]]
        if len(of) < count:
            of.append(fire(row))
    return found


def prune(tx: Transaction, before: float) -> int:
    """Remove rows that were over before then, and removed schedules of which nothing is left."""
    old = (fires.c.since < before, ~OPEN)
    gone = tx.execute(delete(fires).where(*old)).rowcount
    left = select(fires.c.instant).where(fires.c.schedule_id == schedules.c.id).exists()
    tx.execute(delete(schedules).where(schedules.c.removed < before, ~left))
    return int(gone)
