"""What tells this installation from every other: made once, and kept with all the rest."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import settings

NAME = "installation"


async def identity(parts: Platform) -> str:
    """Return the id of this installation, the same for all its servers and for ever."""
    fresh = parts.clock.new_id()

    def keep(tx: Transaction) -> str:
        new = (postgresql.insert if tx.postgres else sqlite.insert)(settings)
        tx.execute(new.on_conflict_do_nothing(), {"name": NAME, "value": fresh})
        return str(tx.value(select(settings.c.value).where(settings.c.name == NAME)))

    return await parts.store.write(keep)
