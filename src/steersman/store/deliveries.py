"""Deliveries of webhooks as rows: what came, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update

from steersman.store import listing
from steersman.store.base import Row, Transaction
from steersman.store.tables import answers, deliveries

REMEMBERED = 24 * 3600.0
"""How long the same body again is taken for a copy, whatever id it comes with."""


class Arrived(NamedTuple):
    """A delivery whose sender is known. *delivery* is the forge's id of it."""

    id: str
    project: str
    delivery: str
    event: str
    forge: str
    headers: dict[str, str]
    body: bytes


def known(tx: Transaction, arrived: Arrived) -> str | None:
    """Return the id of the delivery that *arrived* repeats, None when it is new."""
    where = (
        deliveries.c.project_id == arrived.project,
        deliveries.c.delivery == arrived.delivery,
    )
    found = tx.value(select(deliveries.c.id).where(*where))
    if found is None:
        recent = (answers.c.key == _mark(arrived), answers.c.created > tx.now - REMEMBERED)
        found = tx.value(select(answers.c.body).where(*recent))
    return None if found is None else str(found)


def add(tx: Transaction, arrived: Arrived, outcome: str, triggers: Sequence[str]) -> None:
    """Keep a delivery, and remember its body."""
    row = {
        "id": arrived.id,
        "project_id": arrived.project,
        "delivery": arrived.delivery,
        "event": arrived.event,
        "headers": {"forge": arrived.forge, "sent": arrived.headers},
        "body": arrived.body,
    }
    become = {"outcome": outcome, "triggers": list(triggers), "received": tx.now}
    tx.execute(insert(deliveries), {**row, **become})
    mark = _mark(arrived)
    tx.execute(delete(answers).where(answers.c.key == mark))
    seen = {"key": mark, "request": "webhook", "status": 200, "body": arrived.id}
    tx.execute(insert(answers), {**seen, "created": tx.now})


def note(tx: Transaction, row: Row, outcome: str, triggers: Sequence[str]) -> None:
    """Note what became of a delivery that was read once more."""
    statement = update(deliveries).where(deliveries.c.id == row["id"])
    tx.execute(statement.values(outcome=outcome, triggers=[*(row["triggers"] or ()), *triggers]))


def of_project(tx: Transaction, project: str, before: Any, limit: int) -> list[Row]:
    """Return up to one more than *limit* deliveries, newest first."""
    where = [deliveries.c.project_id == project]
    return listing.newest(tx, deliveries, where, before=before, limit=limit)


def one(tx: Transaction, project: str, identity: str) -> Row | None:
    """Return one delivery of a project."""
    where = (deliveries.c.project_id == project, deliveries.c.id == identity)
    return tx.one(select(deliveries).where(*where))


def _mark(arrived: Arrived) -> str:
    """Return under which key of the answers a body is remembered; it goes when they do."""
    digest = hashlib.sha256(arrived.body).hexdigest()
    return hashlib.sha256(f"webhook\0{arrived.project}\0{digest}".encode()).hexdigest()
