"""What one server at a time may do: a row of `settings` says whose turn it is, and until when."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from steersman.store.base import Transaction
from steersman.store.tables import settings

LONGEST = 2 * 3600.0


def claim(tx: Transaction, name: str, owner: str, seconds: float) -> bool:
    """Take, or keep, the turn of *name* for so many *seconds*; False while it is another's."""
    new = (postgresql.insert if tx.postgres else sqlite.insert)(settings)
    tx.execute(new.on_conflict_do_nothing(), {"name": name, "value": ["", 0.0]})
    mine = settings.c.name == name
    query = select(settings.c.value).where(mine)
    holder, until = tx.value(query.with_for_update() if tx.postgres else query)
    # An end that nobody would set comes from a clock that was wrong.
    if holder != owner and tx.now < until <= tx.now + LONGEST:
        return False
    tx.execute(update(settings).where(mine).values(value=[owner, tx.now + seconds]))
    return True
