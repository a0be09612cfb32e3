"""Lists of what attempts left."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from steersman.store.base import Transaction
from steersman.store.tables import artifacts, caches


def artifacts_of(tx: Transaction, run: str) -> list[RowMapping]:
    """Return what the attempts of a run left, in the order it came."""
    query = select(artifacts).where(artifacts.c.run_id == run)
    return tx.all(query.order_by(artifacts.c.id).limit(5000))


def caches_of(tx: Transaction, project: str) -> list[RowMapping]:
    """Return the caches of a project, the last used first."""
    query = select(caches).where(caches.c.project_id == project)
    return tx.all(query.order_by(caches.c.used.desc()).limit(1000))
