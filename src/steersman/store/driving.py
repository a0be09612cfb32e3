"""Prepared statements on the drivers of both databases, without SQLAlchemy in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from steersman.store.prepared import Form

Said = tuple[Form, Any]
"""A statement as the driver takes it: its form, and its values."""
_COMMIT: Said = (Form("COMMIT", positional=True), None)


class Driver:
    """The driver of a connection, for one transaction.

    *together*: statements travel in libpq's pipeline mode, so that a server far away is waited for
    only where rows are needed. *begins*: the transaction's beginning and end travel with them.
    """

    def __init__(
        self, connection: Connection, *, together: bool = False, begins: bool = False
    ) -> None:
        self.dialect = connection.dialect
        self._connection = connection
        self._together = together
        self._begins = begins
        self._begun = False
        self._travelling: AbstractContextManager[Any] | None = None

    def send(self, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
        """Run *pending*, then *asked*, and return the rows of each of *asked*."""
        with self._explained():
            return self._run(self._ready(), pending, asked)

    def commit(self, pending: list[Said]) -> None:
        """Run *pending* and end the transaction, if it ever began."""
        if self._begins and (pending or self._begun):
            self.send([*pending, _COMMIT], [])
        elif pending:
            self.send(pending, [])
        self._arrive()

    def settle(self) -> None:
        """Wait for whatever travels: SQLAlchemy can do nothing before."""
        with self._explained():
            self._ready()
        self._arrive()

    def abandon(self) -> None:
        """Leave the pipeline mode, whatever became of what travels; the rest is for a rollback."""
        travelling, self._travelling = self._travelling, None
        if travelling is not None:
            with suppress(self.dialect.loaded_dbapi.Error):
                travelling.__exit__(None, None, None)

    def _arrive(self) -> None:
        travelling, self._travelling = self._travelling, None
        if travelling is not None:
            with self._explained():
                travelling.__exit__(None, None, None)

    def _ready(self) -> Any:
        driver: Any = self._connection.connection.driver_connection
        if driver is None:
            raise ValueError("the connection is closed")
        if self._together and self._travelling is None:
            travelling = driver.pipeline()
            travelling.__enter__()
            self._travelling = travelling
        if self._begins and not self._begun:
            self._begun = True
            driver.cursor().execute("BEGIN")
        return driver

    def _run(self, driver: Any, pending: list[Said], asked: list[Said]) -> list[list[Any]]:
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

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise errors as SQLAlchemy would, and let go of what is broken."""
        try:
            yield
        except self.dialect.loaded_dbapi.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: Any) -> DBAPIError:
        connection, dialect = self._connection, self.dialect
        lost = dialect.is_disconnect(error, connection.connection, None)
        if lost:
            self._travelling = None
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
