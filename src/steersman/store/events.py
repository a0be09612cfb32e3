"""What happened, in order: the history of attempts and runs, and what live views are fed from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from steersman.store.base import Row, Transaction
from steersman.store.prepared import Adding, Prepared
from steersman.store.tables import events

TOPIC = "events"
# On PostgreSQL numbers are given before they are committed. One transaction at a time may add
# events, so that whoever has read up to a number has seen everything below it.
_ONE_AT_A_TIME = Prepared(select(func.pg_advisory_xact_lock(literal_column("7023391"))))
_ADD = Adding(
    events, "at", "kind", "project_id", "run_id", "job", "attempt_id", "data", lock=_ONE_AT_A_TIME
)


def add(
    tx: Transaction,
    kind: str,
    *,
    project: str,
    run: str | None = None,
    job: str | None = None,
    attempt: str | None = None,
    **data: Any,
) -> None:
    """Note that something happened."""
    row = {"at": tx.now, "kind": kind, "project_id": project, "run_id": run, "job": job}
    tx.add(_ADD, {**row, "attempt_id": attempt, "data": data})
    tx.wake(TOPIC)


def after(tx: Transaction, number: int, *where: ColumnElement[bool], limit: int = 500) -> list[Row]:
    """Return the events with a number above *number*, in order."""
    query = select(events).where(events.c.number > number, *where)
    return tx.all(query.order_by(events.c.number).limit(limit))


def last(tx: Transaction) -> int:
    """Return the number of the newest event, 0 without any."""
    return int(tx.value(select(func.max(events.c.number))) or 0)
