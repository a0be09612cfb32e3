"""Alarms of schedules as rows, and the counts that the figures are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Text, case, cast, delete, func, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from steersman.core.schedules.alarms import Alarm, Raised, What
from steersman.store.base import Row, Transaction
from steersman.store.schedule_leaders import is_led
from steersman.store.schedules import next_wake
from steersman.store.tables import alarms, fires, projects, schedule_counts, schedules

_CHUNK = 500


def raise_(tx: Transaction, alarm: Alarm, now: float) -> bool:
    """Note an alarm; False when it is there already, so that it is told once."""
    adding = (postgresql.insert if tx.postgres else sqlite.insert)(alarms)
    new = adding.on_conflict_do_nothing().returning(alarms.c.what)
    row = {
        "schedule_id": alarm.schedule, "what": alarm.what.value, "instant": alarm.instant,
        "message": alarm.message, "raised": now,
    }  # fmt: skip
    return tx.execute(new, row).first() is not None


def end(tx: Transaction, alarm: Alarm) -> bool:
    """Remove an alarm that is over; False when it is not there any more."""
    where = (
        alarms.c.schedule_id == alarm.schedule,
        alarms.c.what == alarm.what.value,
        alarms.c.instant == alarm.instant,
    )
    return tx.execute(delete(alarms).where(*where)).rowcount == 1


def any_there(tx: Transaction) -> bool:
    """Tell whether there is any alarm at all."""
    return tx.value(select(alarms.c.what).limit(1)) is not None


def of(tx: Transaction, identities: Iterable[str]) -> dict[str, list[Raised]]:
    """Return the alarms of schedules, the oldest first, by their schedules' ids."""
    wanted = sorted(set(identities))
    found: dict[str, list[Raised]] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(alarms).where(alarms.c.schedule_id.in_(wanted[start : start + _CHUNK]))
        for row in tx.all(query.order_by(alarms.c.raised)):
            found.setdefault(row["schedule_id"], []).append(Raised(_alarm(row), row["raised"]))
    return found


def with_alarms(tx: Transaction, found: Sequence[Row]) -> list[Row]:
    """Return schedules, each with its `alarms`."""
    known = of(tx, [row["id"] for row in found]) if any_there(tx) else {}
    return [{**row, "alarms": known.get(row["id"], [])} for row in found]


def of_kinds(tx: Transaction, kinds: Iterable[What]) -> list[Alarm]:
    """Return all alarms of these kinds."""
    query = select(alarms).where(alarms.c.what.in_([each.value for each in kinds]))
    return [_alarm(row) for row in tx.all(query)]


def _alarm(row: Row) -> Alarm:
    return Alarm(row["schedule_id"], What(row["what"]), row["instant"], row["message"])


def silent(tx: Transaction, now: float) -> list[Row]:
    """Return schedules whose silence has become an alarm, and let it become none again."""
    query = select(schedules).where(schedules.c.silent <= now)
    found = tx.all(query.with_for_update() if tx.postgres else query)
    if found:
        tx.execute(update(schedules).where(schedules.c.silent <= now).values(silent=None))
    return found


def project(tx: Transaction, identity: str) -> Row | None:
    """Return the name and the settings of the project of a schedule."""
    columns = (projects.c.id, projects.c.name, projects.c.settings)
    return tx.one(select(*columns).where(projects.c.id == identity))


def count(tx: Transaction, found: Mapping[str, int]) -> None:
    """Add to the counts."""
    insert = (postgresql.insert if tx.postgres else sqlite.insert)(schedule_counts)
    more = schedule_counts.c.value + insert.excluded.value
    adding = insert.on_conflict_do_update(index_elements=["name"], set_={"value": more})
    # Always in one order: two transactions never wait for each other.
    for name in sorted(found):
        tx.execute(adding, {"name": name, "value": found[name]})


def counts(tx: Transaction) -> dict[str, int]:
    """Return all counts."""
    return {row["name"]: row["value"] for row in tx.all(select(schedule_counts))}


class Standing(NamedTuple):
    """How all schedules stand: *next* is when one is to be looked at, *alarms* count by kind."""

    schedules: int
    paused: int
    open_rows: int
    next: float | None
    leading: bool
    alarms: Mapping[str, int]


def standing(tx: Transaction) -> Standing:
    """Return how all schedules stand."""
    pause = func.coalesce(cast(schedules.c.pause, Text), "null")
    paused = func.coalesce(func.sum(case((pause != "null", 1), else_=0)), 0)
    query = select(func.count().label("all"), paused.label("paused"))
    row = tx.one(query.select_from(schedules).where(schedules.c.removed.is_(None))) or {}
    opened = select(func.count()).select_from(fires).where(literal_column("fires.open"))
    found = select(alarms.c.what, func.count().label("count")).group_by(alarms.c.what)
    return Standing(
        int(row["all"]),
        int(row["paused"]),
        int(tx.value(opened)),
        next_wake(tx),
        is_led(tx, tx.now),
        {each["what"]: each["count"] for each in tx.all(found)},
    )
