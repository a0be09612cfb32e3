"""Steps of attempts as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from steersman.store import events
from steersman.store.base import Row, Transaction
from steersman.store.tables import steps
from steersman.wire import StepState


def keep(tx: Transaction, attempt: Row, states: Sequence[StepState]) -> None:
    """Note how steps stand; what is said again replaces what was said before."""
    mine = steps.c.attempt_id == attempt["id"]
    known = {row["number"]: row["state"] for row in tx.all(select(steps).where(mine))}
    for each in states:
        row = {name: value for name, value in each.items() if name != "number"}
        row["message"] = str(each.get("message", ""))[:4000]
        if each["number"] in known:
            which = (mine, steps.c.number == each["number"])
            tx.execute(update(steps).where(*which).values(**row))
        else:
            tx.execute(insert(steps), {"attempt_id": attempt["id"], **each, **row})
        if known.get(each["number"]) != each["state"]:
            _say(tx, attempt, each)


def _say(tx: Transaction, attempt: Row, step: StepState) -> None:
    events.add(
        tx,
        "step",
        project=attempt["project_id"],
        run=attempt["run_id"],
        job=attempt["job"],
        attempt=attempt["id"],
        number=step["number"],
        name=step["name"],
        state=step["state"],
    )


def of(tx: Transaction, attempt: str) -> list[Row]:
    """Return the steps of an attempt in order."""
    return tx.all(select(steps).where(steps.c.attempt_id == attempt).order_by(steps.c.number))
