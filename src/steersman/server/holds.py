"""What it means to a run that the boxes of its failed jobs are to be held."""

from __future__ import annotations

from sqlalchemy import select, update

from steersman import wire
from steersman.core.errors import UserError
from steersman.core.steps import minutes_words
from steersman.store.base import Row, Transaction
from steersman.store.tables import attempts, jobs


def checked(seconds: int) -> int:
    """Return for how long a box is to be held; `UserError` for what cannot be."""
    least, most = wire.HOLD_SECONDS
    if not least <= seconds <= most:
        span = f"{minutes_words(least)} to {minutes_words(most)}"
        raise UserError(f"hold: a box is held for {span}, in seconds")
    return seconds


def lengthen(tx: Transaction, row: Row) -> None:
    """Let the longest hold not count for the limit of an attempt whose runner holds the box."""
    which = (jobs.c.run_id == row["run_id"], jobs.c.name == row["job"])
    facts = tx.value(select(jobs.c.facts).where(*which)) or {}
    if facts.get("limit") is None:
        return
    limit = facts["limit"] + wire.HOLD_SECONDS[1]
    if limit != row["limit"]:
        tx.execute(update(attempts).where(attempts.c.id == row["id"]).values(limit=limit))
