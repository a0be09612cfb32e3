"""Launches that were decided ahead of their instant, as rows: a thousand by three statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from json import dumps
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from steersman.core.schedules.fires import Fire
from steersman.core.schedules.foreseeing import Foreseen
from steersman.store import schedule_ledgers as ledgers
from steersman.store.base import Row, Transaction
from steersman.store.given_rows import DATA, ROWS, TEXT, TIME, WHOLE, given
from steersman.store.prepared import Prepared
from steersman.store.projects import TRIGGERED, Asked
from steersman.store.tables import fires, projects, schedules, triggers

_NO_PAUSE = "null"
"""What no pause is, is this word of JSON, not NULL."""
_SAME = 1e-6
"""Seconds between two moments that are one: not every database reads a number to its last bit."""


class Draft(NamedTuple):
    """A launch that is written later, unless its schedule has changed by then, or *until* is over.

    *branch* is the default one of its *project*. *claim* and *asked* are JSON, made when there is
    time.
    """

    fire: Fire
    until: float
    project: str
    branch: str
    claim: str
    asked: str


def draft(row: Row, foreseen: Foreseen, asked: Asked) -> Draft:
    """Return the launch of a schedule, whose *row* is that of `named`."""
    name, (fire, wake, until) = row["id"], foreseen
    claim = [name, row["decided"], row["changed"], _NO_PAUSE, wake]
    wanted = [asked.id, asked.project, asked.key, dumps(asked.request), asked.author, name]
    branch = row["default_branch"]
    return Draft(fire, until, asked.project, branch, dumps(claim), dumps(wanted))


def due_at(tx: Transaction, instant: float, most: int) -> list[str]:
    """Return the ids of schedules that are to be looked at exactly then."""
    found = tx.all(_DUE_AT, {"instant": instant, "most": most})
    return [row["id"] for row in found]


def named(tx: Transaction, identities: Sequence[str]) -> list[Row]:
    """Return schedules by their ids, each with `default_branch`, its project's."""
    rows = dumps([[each] for each in identities])
    return tx.all(_NAMED[tx.postgres], {ROWS: rows})


def launch(tx: Transaction, drafts: Sequence[Draft], fired: Fire) -> int:
    """Launch those that still hold, and return how many; the others stay as they are.

    *fired* is what becomes of the first of them, and of all but for their schedules and triggers.
    """
    owners = _list({each.project: dumps([each.project]) for each in drafts}.values())
    branches = {
        row["id"]: row["default_branch"] for row in tx.all(_BRANCHES[tx.postgres], {ROWS: owners})
    }
    same = [each for each in drafts if branches.get(each.project) == each.branch]
    claims = {ROWS: _list(each.claim for each in same), "instant": fired.instant}
    going = {row["id"] for row in tx.all(_CLAIM[tx.postgres], claims)}
    if going:
        rows = _list(each.asked for each in same if each.fire.schedule in going)
        tx.run(_ASK[tx.postgres], {ROWS: rows, "moment": tx.now})
        tx.run(_ENTER[tx.postgres], {ROWS: rows, **ledgers.of_fire(fired)})
        tx.wake(TRIGGERED)
    return len(going)


def _list(found: Iterable[str]) -> str:
    return f"[{','.join(found)}]"


def _claim(*, postgres: bool) -> Prepared:
    """Move schedules on that are as they were, and say which."""
    _, (name, decided, changed, pause, wake) = given(
        TEXT, WHOLE, TIME, TEXT, TIME, postgres=postgres
    )
    instant, last = cast(bindparam("instant"), BigInteger), schedules.c.last_fired
    # All of it is compared with what was given, also what is always the same: a condition of the
    # schedules alone would let PostgreSQL believe that there are few, and look at all for each.
    same: list[ColumnElement[bool]] = [
        schedules.c.id == name,
        schedules.c.decided == decided,
        func.abs(schedules.c.changed - changed) < _SAME,
        func.coalesce(cast(schedules.c.pause, Text), _NO_PAUSE) == pause,
    ]
    newest = case((last > instant, last), else_=instant)
    moved = {"decided": instant, "wake": wake, "last_fired": newest}
    return Prepared(update(schedules).values(moved).where(*same).returning(schedules.c.id))


def _ask(*, postgres: bool) -> Prepared:
    """Keep triggers; one whose key is known stays as it is."""
    rows, (*columns, _) = given(TEXT, TEXT, TEXT, DATA, TEXT, TEXT, postgres=postgres)
    now = cast(bindparam("moment"), Float(53))
    columns += [literal_column("'accepted'"), now, now]
    names = ("id", "project_id", "key", "request", "author", "state", "accepted", "next_try")
    # SQLite would take what follows for the condition of a join.
    source = select(*columns).select_from(rows).where(true())
    return _adding(triggers, names, source, postgres=postgres)


def _enter(*, postgres: bool) -> Prepared:
    """Add rows of the ledger, each with the trigger that has its key."""
    _, (_, project, key, _, _, name) = given(TEXT, TEXT, TEXT, DATA, TEXT, TEXT, postgres=postgres)
    columns: dict[str, ColumnElement[Any]] = {
        each.name: cast(bindparam(each.name, type_=each.type), each.type) for each in fires.c
    }
    columns |= {"schedule_id": name, "run": triggers.c.id}
    source = select(*columns.values()).where(
        triggers.c.project_id == project, triggers.c.key == key
    )
    return _adding(fires, tuple(columns), source, postgres=postgres)


def _adding(table: Table, names: Sequence[str], source: Select[Any], *, postgres: bool) -> Prepared:
    adding = (postgresql.insert if postgres else sqlite.insert)(table)
    return Prepared(adding.from_select(names, source).on_conflict_do_nothing())


def _named(*, postgres: bool) -> Prepared:
    _, (name,) = given(TEXT, postgres=postgres)
    query = select(schedules, projects.c.default_branch).join_from(schedules, projects)
    return Prepared(query.where(schedules.c.id == name))


def _branches(*, postgres: bool) -> Prepared:
    _, (name,) = given(TEXT, postgres=postgres)
    query = select(projects.c.id, projects.c.default_branch)
    return Prepared(query.where(projects.c.id == name))


def _both(make: Callable[..., Prepared]) -> list[Prepared]:
    """Return a statement for SQLite, and for PostgreSQL."""
    return [make(postgres=False), make(postgres=True)]


_NAMED, _BRANCHES = _both(_named), _both(_branches)
_CLAIM, _ASK, _ENTER = _both(_claim), _both(_ask), _both(_enter)
_DUE_AT = Prepared(
    select(schedules.c.id)
    .where(schedules.c.wake == bindparam("instant", type_=schedules.c.wake.type))
    .limit(bindparam("most", type_=Integer))
)
