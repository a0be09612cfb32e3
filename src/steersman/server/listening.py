"""Since when we have been listening: no deadline is over before that and a grace."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from steersman.store import attempts as attempt_rows
from steersman.store.base import Transaction
from steersman.store.tables import settings

NAME = "listening"
LONGEST_PAUSE = 20.0
"""Seconds without a look at the clock after which we were away."""


def listening_since(tx: Transaction) -> float:
    """Note that we listen now, and return since when we do without a pause.

    A clock that jumped forward is a pause as well; one that jumped back begins anew, and what
    was noted by it before is no later than now.
    """
    found = tx.value(select(settings.c.value).where(settings.c.name == NAME))
    if found is None:
        tx.execute(insert(settings), {"name": NAME, "value": [tx.now, tx.now]})
        return tx.now
    since, last = found
    if not 0 <= tx.now - last <= LONGEST_PAUSE:
        since = tx.now
    if tx.now < last:
        attempt_rows.set_back(tx)
    statement = update(settings).where(settings.c.name == NAME)
    tx.execute(statement.values(value=[since, tx.now]))
    return float(since)
