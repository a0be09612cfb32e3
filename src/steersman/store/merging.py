"""Pieces of logs that are closed, read and replaced by fewer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, insert, select

from steersman.core.retention import PieceFacts
from steersman.store.base import Row, Transaction
from steersman.store.logs import Piece
from steersman.store.tables import attempts, log_pieces


def mergeable(tx: Transaction, after: str, since: float, limit: int) -> list[tuple[str]]:
    """Return closed logs of attempts that ended after *since* with pieces that can be merged."""
    one, next_one = log_pieces.alias(), log_pieces.alias()
    side_by_side = (
        select(one.c.start)
        .join(
            next_one,
            (next_one.c.attempt_id == one.c.attempt_id) & (next_one.c.start == one.c.stop),
        )
        .where(one.c.attempt_id == attempts.c.id, one.c.blob.is_(None), next_one.c.blob.is_(None))
        .exists()
    )
    closed = (attempts.c.log_closed, attempts.c.since > since, side_by_side)
    query = select(attempts.c.id).where(attempts.c.id > after, *closed)
    return [(key,) for key in tx.execute(query.order_by(attempts.c.id).limit(limit)).scalars()]


def pieces(tx: Transaction, attempt: str) -> list[PieceFacts]:
    """Return all pieces of a log in order, without their bytes."""
    inline = log_pieces.c.blob.is_(None).label("inline")
    query = select(log_pieces.c.start, log_pieces.c.stop, inline)
    mine = query.where(log_pieces.c.attempt_id == attempt).order_by(log_pieces.c.start)
    return [PieceFacts(*row) for row in tx.execute(mine)]


def group(tx: Transaction, attempt: str, starts: Sequence[int]) -> list[Row]:
    """Return some inline pieces of a log in order, with their bytes."""
    query = select(log_pieces).where(*_inline(attempt, starts))
    return tx.all(query.order_by(log_pieces.c.start))


def replace(tx: Transaction, merged: Piece, first_line: int, starts: Sequence[int]) -> bool:
    """Put *merged* in the place of the pieces at *starts*; False when they are not there any more.

    Readers see either: both hold the same bytes and begin with the same line.
    """
    query = select(attempts.c.id).where(attempts.c.id == merged.attempt)
    tx.one(query.with_for_update() if tx.postgres else query)
    where = _inline(merged.attempt, starts)
    if tx.value(select(func.count()).select_from(log_pieces).where(*where)) != len(starts):
        return False
    tx.execute(delete(log_pieces).where(*where))
    tx.execute(
        insert(log_pieces),
        {
            "attempt_id": merged.attempt,
            "start": merged.offset,
            "stop": merged.offset + merged.size,
            "first_line": first_line,
            "lines": merged.lines,
            "at": merged.at,
            "data": None if merged.blob else merged.data,
            "blob": merged.blob or None,
        },
    )
    return True


def _inline(attempt: str, starts: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return (
        log_pieces.c.attempt_id == attempt,
        log_pieces.c.start.in_(starts),
        log_pieces.c.blob.is_(None),
    )
