"""Blobs that no row names: since when that is known, as rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from steersman.blobs.base import Found
from steersman.core.retention import BlobFacts, Judgement, Policy, judge
from steersman.store.base import Transaction
from steersman.store.tables import artifacts, caches, garbage, log_pieces, published_steps

NAMED_BY = (artifacts, caches, published_steps, log_pieces)
"""The tables that name blobs, each in its column `blob`."""


def judged(tx: Transaction, found: Sequence[Found], policy: Policy) -> Judgement:
    """Judge some blobs by the rows, and note what came of it."""
    keys = [blob.key for blob in found]
    named = _named(tx, keys)
    known = tx.all(select(garbage).where(garbage.c.blob.in_(keys)))
    since = {row["blob"]: row["since"] for row in known}
    facts = [
        BlobFacts(blob.key, blob.modified, blob.key in named, since.get(blob.key)) for blob in found
    ]
    judgement = judge(facts, policy, tx.now)
    forget(tx, [*judgement.forget, *judgement.note])
    if judgement.note:
        rows = [{"blob": key, "since": at} for key, at in judgement.note.items()]
        new = (postgresql.insert if tx.postgres else sqlite.insert)(garbage)
        tx.execute(new.on_conflict_do_nothing(), rows)
    return judgement


def _named(tx: Transaction, keys: Collection[str]) -> set[str]:
    """Return those of *keys* that a row names."""
    found: set[str] = set()
    for table in NAMED_BY:
        found |= set(tx.execute(select(table.c.blob).where(table.c.blob.in_(keys))).scalars())
    return found


def forget(tx: Transaction, keys: Collection[str]) -> None:
    """Forget that blobs were noted: they are named now, or gone."""
    if keys:
        tx.execute(delete(garbage).where(garbage.c.blob.in_(keys)))


def noted(tx: Transaction, after: str, before: float, limit: int) -> list[tuple[str]]:
    """Return blobs that were noted before *before*, in the order of the database."""
    query = select(garbage.c.blob).where(garbage.c.blob > after, garbage.c.since < before)
    found = tx.execute(query.order_by(garbage.c.blob).limit(limit)).scalars()
    return [(key,) for key in found]
