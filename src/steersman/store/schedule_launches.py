"""What one who launches by schedules looks at: instants, their schedules and what came of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, Text, cast, select

from steersman.core.runs import State as RunState
from steersman.core.schedules.fires import Fire, Key, State
from steersman.store.base import Row, Transaction
from steersman.store.schedule_ledgers import OPEN, fire
from steersman.store.schedules import next_wake
from steersman.store.tables import fires, projects, runs, schedules, triggers

_CHUNK = 500
_GOING = [each.value for each in RunState if not each.is_final]


def anything(tx: Transaction) -> bool:
    """Tell whether there is anything to decide, to launch or to watch, now or later."""
    watched = select(fires.c.due).where(OPEN).limit(1)
    return next_wake(tx) is not None or tx.value(watched) is not None


def waiting(tx: Transaction, now: float) -> list[tuple[Fire, Row]]:
    """Return each instant that is to be launched by *now*, and its schedule.

    A schedule's row also has `default_branch`, its project's.
    """
    where = (OPEN, fires.c.state == State.PLANNED.value, fires.c.due <= now)
    return _with_schedules(tx, select(fires).where(*where).order_by(fires.c.due))


def ended(tx: Transaction) -> list[tuple[Fire, Row]]:
    """Return launches whose runs have all ended, or whose trigger is gone."""
    going = select(runs.c.id).where(runs.c.trigger_id == triggers.c.id, runs.c.state.in_(_GOING))
    over = (triggers.c.state != "accepted") & ~going.exists()
    query = select(fires).outerjoin_from(fires, triggers, triggers.c.id == fires.c.run)
    where = (OPEN, fires.c.state == State.FIRED.value, triggers.c.id.is_(None) | over)
    return _with_schedules(tx, query.where(*where))


def running(
    tx: Transaction, identities: Iterable[str], owners: Iterable[str]
) -> list[tuple[Fire, Row]]:
    """Return launches that go on: those of some schedules, and all of some projects."""
    found: dict[Key, tuple[Fire, Row]] = {}
    fired = select(fires).where(OPEN, fires.c.state == State.FIRED.value)
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
    query = select(fires).join_from(fires, schedules).where(OPEN, fires.c.due <= now, says)
    return _with_schedules(tx, query)


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
