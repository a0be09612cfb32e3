"""Connections of the ledger's database: how long they wait, and what their errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from steersman.core.errors import Unavailable, UserError

IDLE_MS = 3000
"""How long a transaction may stand still on PostgreSQL before the database ends it."""
LOCK_MS = 5000
BUSY_MS = 1000
"""How long SQLite waits for another process, which the whole program does with it."""
LATER_PAGES = 16_000
"""How much SQLite keeps in its log at most; it is emptied whenever old rows are pruned."""


def prepare(engine: Engine) -> None:
    """Let every connection of *engine* wait no longer than it should."""
    postgres = engine.dialect.name == "postgresql"
    event.listen(engine, "connect", _hurry if postgres else _put_off)


def _hurry(connection: Any, record: Any) -> None:
    """Let nobody hold the row of leadership who does not go on: it may be a stopped process."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
        cursor.execute(f"SET lock_timeout = {LOCK_MS}")
    connection.commit()


def _put_off(connection: Any, record: Any) -> None:
    """Copy what is written into the database's file later: launches may wait for that write."""
    connection.execute(f"PRAGMA wal_autocheckpoint = {LATER_PAGES}").close()
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}").close()


@contextmanager
def translated() -> Iterator[None]:
    """Make errors of the database ours."""
    try:
        yield
    except DBAPIError as error:
        line = str(error.orig).strip().partition("\n")[0]
        if type(error).__name__ in ("DataError", "ProgrammingError"):
            raise UserError(f"the ledger's database refuses: {line}") from error
        raise Unavailable(f"the ledger's database does not answer: {line}") from error
    except SQLAlchemyError as error:
        raise Unavailable(f"the ledger's database: {error}") from error
