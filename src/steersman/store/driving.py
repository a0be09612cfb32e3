"""Prepared statements on the drivers of both databases, without SQLAlchemy in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from steersman.store.prepared import Form, Said

_BEGIN: Said = (Form("BEGIN"), ())
_COMMIT: Said = (Form("COMMIT"), ())


class Driver(Protocol):
    """The driver of a connection, for one transaction."""

    @property
    def dialect(self) -> Dialect:
        """Whose words it speaks."""

    def send(self, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
        """Run *pending*, then *asked*, and return the rows of each of *asked*."""

    def settle(self) -> None:
        """Let SQLAlchemy use the connection inside of the transaction."""

    def commit(self, pending: list[Said]) -> None:
        """Run *pending* and end the transaction, as far as that is the driver's to do."""


class SQLiteDriver:
    """Python's own, which does at once what it is told; SQLAlchemy begins and commits."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self._connection = connection

    def send(self, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
        """Run *pending*, then *asked*, and return the rows of each of *asked*."""
        with explained(self._connection):
            cursor: Any = self._connection.connection.cursor()
            for form, values in pending:
                cursor.execute(form.text, values)
            return [cursor.execute(form.text, values).fetchall() for form, values in asked]

    def settle(self) -> None:
        """Do nothing: it is the same to SQLite."""

    def commit(self, pending: list[Said]) -> None:
        """Run *pending*."""
        if pending:
            self.send(pending, [])


class PostgreSQLDriver:
    """The pipeline mode: a server far away is waited for only where rows are needed.

    *begins*: several statements are one transaction, whose beginning and end travel with them.
    """

    def __init__(self, connection: Connection, *, begins: bool) -> None:
        from steersman.store.pipelines import Known, Pipeline

        self.dialect = connection.dialect
        self._connection = connection
        self._begins = begins
        self._begun = False
        driver: Any = connection.connection.driver_connection
        self._known: Known = connection.info.setdefault("steersman", Known())
        self._pipeline = Pipeline(driver, self._known)

    def send(self, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
        """Run *pending*, then *asked*, and return the rows of each of *asked*."""
        found = self._run([*self._beginning(), *pending, *asked])
        return found[len(found) - len(asked) :]

    def settle(self) -> None:
        """Begin the transaction in which SQLAlchemy will use the connection."""
        if beginning := self._beginning():
            self._run(beginning)

    def commit(self, pending: list[Said]) -> None:
        """Run *pending* and end the transaction, if it ever began."""
        if pending or self._begun:
            ending = [_COMMIT] if self._begins else []
            self._run([*self._beginning(), *pending, *ending])

    def forget(self) -> None:
        """Prepare everything anew: psycopg lets go of all that is prepared when it rolls back."""
        self._known.statements.clear()

    def _beginning(self) -> list[Said]:
        if self._begun or not self._begins:
            return []
        self._begun = True
        return [_BEGIN]

    def _run(self, said: list[Said]) -> list[list[Any]]:
        with explained(self._connection):
            return self._pipeline.run(said)


@contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Raise a driver's errors as SQLAlchemy would, and let go of what is broken."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error) from error


def _translated(connection: Connection, error: Any) -> DBAPIError:
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
