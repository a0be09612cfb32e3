"""Prepared statements on the drivers of both databases, without SQLAlchemy in between."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from steersman.store.prepared import Form

Said = tuple[Form, Any]
"""A statement as the driver takes it: its form, and its values."""


def send(
    proxied: PoolProxiedConnection, pending: list[Said], asked: list[Said], *, together: bool
) -> list[list[Any]]:
    """Run *pending*, then *asked*, and return the rows of each of *asked*.

    *together*: a server far away is waited for once, not once for each (libpq's pipeline mode).
    """
    driver = proxied.driver_connection
    if driver is None:
        raise ValueError("the connection is closed")
    if together and len(pending) + len(asked) > 1:
        with driver.pipeline():
            return _run(driver, pending, asked)
    return _run(driver, pending, asked)


def _run(driver: DBAPIConnection, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
    if pending:
        cursor = driver.cursor()
        for form, arguments in pending:
            cursor.execute(form.text, arguments)
    cursors = []
    for form, arguments in asked:
        cursor = driver.cursor()
        cursor.execute(form.text, arguments)
        cursors.append(cursor)
    return [list(cursor.fetchall()) for cursor in cursors]


def translated(error: Any, connection: Connection) -> DBAPIError:
    """Return an error of a driver as SQLAlchemy would raise it, and let go of what is broken."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, None)
    if lost:
        connection.invalidate(error)
    found = DBAPIError.instance(
        "a prepared statement",
        None,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=lost,
        dialect=dialect,
    )
    assert isinstance(found, DBAPIError)  # noqa: S101 - it is one of the driver's own
    return found
