"""Engines of SQLAlchemy for both databases, and what their errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.pool import QueuePool

from steersman.core.errors import SteersmanError, Unavailable, UserError

CONNECTIONS = 8
"""How many transactions run at once, but for writers on SQLite."""
HELD = 2
"""How many connections to PostgreSQL are kept for small ones: of changes, and of looks."""
READS = "BEGIN"
BUSY_MS = 2000
"""How long a reader waits inside SQLite. A writer does not: it may be the loop that does it."""
# Deadlock, serialization failure, lock not available, and an administrator who ends us.
_PASSING_STATES = ("40P01", "40001", "55P03", "57P01", "57P02", "57P03", "08", "53300")
_FULL_STATE = "53100"


def parsed(url: str) -> URL:
    """Return *url* with the driver we use; `UserError` for a database we do not know."""
    try:
        found = make_url(url)
    except ArgumentError:
        raise UserError(
            "the address of the database cannot be understood",
            hint="write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
        ) from None
    name = found.get_backend_name()
    if name == "sqlite":
        return found.set(drivername="sqlite+pysqlite")
    if name in ("postgresql", "postgres"):
        return found.set(drivername="postgresql+psycopg")
    raise UserError(f"{name} is no database we can use", hint="use SQLite or PostgreSQL")


def is_sqlite(url: str) -> bool:
    """Tell which of both databases *url* means."""
    return parsed(url).get_backend_name() == "sqlite"


def open_engine(url: str, *, readers: bool = False) -> Engine:
    """Return an engine; nothing is connected yet."""
    address = parsed(url)
    if not is_sqlite(url):
        return create_engine(
            address,
            pool_size=CONNECTIONS + HELD,
            max_overflow=0,
            pool_pre_ping=False,
            connect_args={
                "connect_timeout": 5,
                "application_name": "steersman",
                # A database made without a locale would give bytes for texts.
                "client_encoding": "utf8",
            },
        )
    Path(address.database or "steersman.db").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=CONNECTIONS if readers else 1,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    _prepare(engine, READS if readers else "BEGIN IMMEDIATE")
    return engine


def _prepare(engine: Engine, begin: str) -> None:
    """A writer begins as one: upgrading a reader fails at once, whatever the patience."""

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: Any) -> None:
        for pragma in (
            f"busy_timeout = {BUSY_MS if begin == READS else 0}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -16000",
            "journal_size_limit = 67108864",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def may_pass(error: DBAPIError) -> bool:
    """Tell whether trying again may help: not a mistake of ours, nor a rule that was broken."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        return isinstance(error.orig, sqlite3.OperationalError) and any(
            words in str(error.orig) for words in ("locked", "busy", "full", "disk I/O", "unable")
        )
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return type(error.orig).__name__ in ("OperationalError", "InterfaceError")
    return state == _FULL_STATE or str(state).startswith(_PASSING_STATES)


def is_bad_value(error: DBAPIError) -> bool:
    """Tell whether a value was given that the database cannot hold."""
    return isinstance(error, DataError)


def is_full(error: DBAPIError) -> bool:
    """Tell whether the disk of the database is full."""
    full_state: bool = getattr(error.orig, "sqlstate", None) == _FULL_STATE
    return full_state or "is full" in str(error.orig)


def explained(error: DBAPIError) -> SteersmanError:
    """Return what to tell a person when the store stays away."""
    if is_full(error):
        return Unavailable("the disk of the database is full", hint="free some space there")
    return Unavailable(f"the database does not answer: {_first_line(error)}", hint="try again")


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0] or type(error.orig).__name__
