"""Lists of what attempts left."""

from __future__ import annotations

from sqlalchemy import select

from steersman.store.base import Row, Transaction
from steersman.store.tables import artifacts, caches


def artifacts_of(tx: Transaction, run: str) -> list[Row]:
    """Return what the attempts of a run left, in the order it came."""
    query = select(artifacts).where(artifacts.c.run_id == run)
    return tx.all(query.order_by(artifacts.c.id).limit(5000))


def caches_of(tx: Transaction, project: str) -> list[Row]:
    """Return the caches of a project, the last used first."""
    query = select(caches).where(caches.c.project_id == project)
    return tx.all(query.order_by(caches.c.used.desc()).limit(1000))
