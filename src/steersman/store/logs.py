"""Logs as rows: one for each piece that came, with where it begins in bytes and in lines.

Small pieces hold their bytes themselves; large ones name a blob. Line 3,000,000 is one step into
an index and then inside one piece.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Text, bindparam, select, update

from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared, adding
from steersman.store.tables import attempts, log_pieces


def topic(attempt: str) -> str:
    """Return the topic of those who follow a log."""
    return f"log:{attempt}"


class Piece(NamedTuple):
    """Bytes of a log from *offset*; *blob* holds them, if it is not empty, instead of *data*."""

    attempt: str
    offset: int
    size: int
    lines: int
    at: float
    data: bytes = b""
    blob: str = ""


class Length(NamedTuple):
    """How much of a log there is. A *closed* one will not grow."""

    size: int
    lines: int
    closed: bool


_WANTED = bindparam("identity", type_=Text())
_SIZES = select(attempts.c.log_size, attempts.c.log_lines, attempts.c.log_closed).where(
    attempts.c.id == _WANTED
)
_LENGTH, _LENGTH_LOCKED = Prepared(_SIZES), Prepared(_SIZES.with_for_update())
_ADD = adding(
    log_pieces, "attempt_id", "start", "stop", "first_line", "lines", "at", "data", "blob"
)
_GROW = Prepared(
    update(attempts)
    .where(attempts.c.id == _WANTED)
    .values(log_size=bindparam("size"), log_lines=bindparam("count"))
)


def length(tx: Transaction, attempt: str) -> Length | None:
    """Return how long a log is, None for an attempt nobody knows."""
    row = tx.one(_LENGTH, {"identity": attempt})
    return None if row is None else Length(*row.values())


def append(tx: Transaction, piece: Piece) -> tuple[int, bool]:
    """Add *piece* if it is what comes next; return the log's size, and whether it was added.

    What came before is not added again. *piece* was cut by the caller to begin at the end. One
    without bytes is not added: it would take the place of the next.
    """
    query = _LENGTH_LOCKED if tx.postgres else _LENGTH
    row = tx.one(query, {"identity": piece.attempt})
    if row is None:
        return 0, False
    size, lines, closed = row.values()
    if closed or not piece.size or piece.offset != size:
        return int(size), False
    stop = piece.offset + piece.size
    tx.run(
        _ADD,
        {
            "attempt_id": piece.attempt,
            "start": piece.offset,
            "stop": stop,
            "first_line": lines,
            "lines": piece.lines,
            "at": piece.at,
            "data": None if piece.blob else piece.data,
            "blob": piece.blob or None,
        },
    )
    tx.run(_GROW, {"identity": piece.attempt, "size": stop, "count": lines + piece.lines})
    tx.wake(topic(piece.attempt))
    return stop, True


def pieces(tx: Transaction, attempt: str, start: int, limit: int = 64) -> list[Row]:
    """Return the pieces that hold the byte *start* and what follows."""
    mine = log_pieces.c.attempt_id == attempt
    query = select(log_pieces).where(mine, log_pieces.c.stop > start)
    # Begin by the primary key: `stop` alone would look at everything before.
    first = tx.value(
        select(log_pieces.c.start)
        .where(mine, log_pieces.c.start <= start)
        .order_by(log_pieces.c.start.desc())
        .limit(1)
    )
    if first is not None:
        query = query.where(log_pieces.c.start >= first)
    return tx.all(query.order_by(log_pieces.c.start).limit(limit))


def piece_of_line(tx: Transaction, attempt: str, line: int) -> Row | None:
    """Return the first piece in which line *line* (from 0) may begin."""
    mine = log_pieces.c.attempt_id == attempt
    if line <= 0:
        return tx.one(select(log_pieces).where(mine).order_by(log_pieces.c.start).limit(1))
    query = (
        select(log_pieces)
        .where(mine, log_pieces.c.first_line < line)
        .order_by(log_pieces.c.first_line.desc(), log_pieces.c.start.desc())
        .limit(1)
    )
    return tx.one(query)
