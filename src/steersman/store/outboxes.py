"""Messages to the outside as rows: written with what they tell of, sent later, kept with answers.

A message is waiting until it is sent, failed or superseded. Whoever sends one claims it first: its
next try moves on, so that another server comes to it only where the first one was lost.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, insert, select, update

from steersman.store.base import Row, Transaction
from steersman.store.tables import outbox

TOPIC = "outbox"
"""The topic of who sends."""
WAITING, SENT, FAILED, SUPERSEDED = "waiting", "sent", "failed", "superseded"
IN_FLIGHT = "being sent"
"""The answer of a message that somebody sends at this moment."""
_LONGEST_ANSWER = 1000


def add(tx: Transaction, row: dict[str, Any]) -> bool:
    """Add a message unless there is one with its key; tell whether it was added.

    The caller holds the run, so nobody else adds the same meanwhile.
    """
    if tx.value(select(outbox.c.id).where(outbox.c.key == row["key"])) is not None:
        return False
    tx.execute(insert(outbox), {"state": WAITING, "next_try": tx.now, "created": tx.now, **row})
    tx.wake(TOPIC)
    return True


def due(tx: Transaction, limit: int = 20) -> list[str]:
    """Return the ids of messages whose time has come, the oldest first."""
    query = (
        select(outbox.c.id)
        .where(outbox.c.state == WAITING, outbox.c.next_try <= tx.now)
        .order_by(outbox.c.next_try, outbox.c.id)
        .limit(limit)
    )
    return [row["id"] for row in tx.all(query)]


def next_due(tx: Transaction) -> float | None:
    """Return when the next message is to be tried, None without any."""
    found = tx.value(select(func.min(outbox.c.next_try)).where(outbox.c.state == WAITING))
    return None if found is None else float(found)


def find(tx: Transaction, identity: str) -> Row | None:
    """Return a message."""
    return tx.one(select(outbox).where(outbox.c.id == identity))


def of_run(tx: Transaction, run_id: str, kind: str) -> list[Row]:
    """Return the messages of one kind about a run, locked: always in the same order."""
    query = (
        select(outbox).where(outbox.c.run_id == run_id, outbox.c.kind == kind).order_by(outbox.c.id)
    )
    return tx.all(query.with_for_update() if tx.postgres else query)


def claim(tx: Transaction, identity: str, until: float) -> Row | None:
    """Take a message that is due, so that nobody else does before *until*; it costs one try."""
    statement = (
        update(outbox)
        .where(outbox.c.id == identity, outbox.c.state == WAITING, outbox.c.next_try <= tx.now)
        .values(next_try=until, tries=outbox.c.tries + 1, answer=IN_FLIGHT)
    )
    return find(tx, identity) if tx.execute(statement).rowcount == 1 else None


def is_in_flight(row: Row, now: float) -> bool:
    """Tell whether somebody sends this message now, as far as can be known."""
    waiting = row["state"] == WAITING and row["answer"] == IN_FLIGHT
    return bool(waiting and row["next_try"] > now)


def postpone(tx: Transaction, identity: str, until: float) -> None:
    """Let a message that is due, and so sent by nobody, wait until *until*."""
    where = (outbox.c.id == identity, outbox.c.state == WAITING, outbox.c.next_try <= tx.now)
    tx.execute(update(outbox).where(*where).values(next_try=until, answer=""))


def again(tx: Transaction, claimed: Row, answer: str, at: float) -> None:
    """Note that a try came to nothing, and when the next one is."""
    _note(tx, claimed, answer, {"next_try": at})


def end(tx: Transaction, row: Row, state: str, answer: str) -> None:
    """Note what became of a message."""
    _note(tx, row, answer, {"state": state, "ended": tx.now})


def _note(tx: Transaction, row: Row, answer: str, values: dict[str, Any]) -> None:
    """Write about the try that the caller made; what was sent counts also after a newer try."""
    where = [outbox.c.id == row["id"], outbox.c.state == WAITING]
    if values.get("state") != SENT:
        where.append(outbox.c.tries == row["tries"])
    said = answer[:_LONGEST_ANSWER]
    tx.execute(update(outbox).where(*where).values(answer=said, **values))
    tx.wake(TOPIC)


def resend(tx: Transaction, identity: str) -> None:
    """Send a message anew, under the id it has, with all its tries before it."""
    fresh = {"state": WAITING, "tries": 0, "next_try": tx.now, "ended": None, "answer": ""}
    tx.execute(update(outbox).where(outbox.c.id == identity).values(**fresh))
    tx.wake(TOPIC)
