"""What a transaction is to those who use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from steersman.store.prepared import Form, Prepared, Values

Row = Mapping[str, Any]
"""A row by the names of its columns."""


class Transaction:
    """One transaction. *now* is its one moment, by the store's clock.

    What is noted in *wakes* is told to everybody who waits for it, once it is committed.
    """

    def __init__(self, connection: Connection, now: float, *, postgres: bool) -> None:
        self.connection = connection
        self.now = now
        self.postgres = postgres
        self.wakes: dict[str, None] = {}
        self._cursor: DBAPICursor | None = None

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[*tuple[Any, ...]]:
        return self.connection.execute(statement, values)

    def run(self, statement: Prepared, values: Values = MappingProxyType({})) -> int:
        """Run what changes rows and return how many those were."""
        count: int = self._run(statement.form(self.connection.dialect), values).rowcount
        return count

    def one(self, statement: Executable | Prepared, values: Any = None) -> Row | None:
        """Return the first row, None without any."""
        if isinstance(statement, Prepared):
            form = statement.form(self.connection.dialect)
            found = self._run(form, values or {}).fetchone()
            return None if found is None else form.row(found)
        return _plain(self.connection.execute(statement, values).mappings().first())

    def all(self, statement: Executable | Prepared, values: Any = None) -> list[Row]:
        """Return all rows."""
        if isinstance(statement, Prepared):
            form = statement.form(self.connection.dialect)
            return [form.row(each) for each in self._run(form, values or {}).fetchall()]
        return [dict(each) for each in self.connection.execute(statement, values).mappings()]

    def value(self, statement: Executable, values: Any = None) -> Any:
        """Return the first column of the first row, None without any."""
        return self.connection.execute(statement, values).scalar()

    def _run(self, form: Form, values: Values) -> DBAPICursor:
        """Let the driver run a prepared statement; its rows are taken before the next one."""
        if self._cursor is None:
            self._cursor = self.connection.connection.cursor()
        arguments = form.arguments(values)
        dialect = self.connection.dialect
        try:
            self._cursor.execute(form.text, arguments)
        except dialect.loaded_dbapi.Error as error:
            lost = dialect.is_disconnect(error, self.connection.connection, self._cursor)
            if lost:
                self.connection.invalidate(error)
            raise DBAPIError.instance(
                form.text,
                arguments,
                error,
                dialect.loaded_dbapi.Error,
                connection_invalidated=lost,
                dialect=dialect,
            ) from error
        return self._cursor

    def wake(self, topic: str) -> None:
        """Let those who wait for *topic* look again once this is committed."""
        self.wakes[topic] = None


def _plain(found: Any) -> Row | None:
    return None if found is None else dict(found)


class Waking:
    """Who hears of what was committed: by this server and, on PostgreSQL, by the others.

    Once it is *closed* nobody should wait any more.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, set[Callable[[], None]]] = {}
        self.closed = False

    def listen(self, topic: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Let *listener* be called on the loop whenever *topic* is woken; return how to stop it."""
        self._listeners.setdefault(topic, set()).add(listener)
        if self.closed:
            # It came while the others were let go.
            listener()

        def stop() -> None:
            found = self._listeners.get(topic, set())
            found.discard(listener)
            if not found:
                self._listeners.pop(topic, None)

        return stop

    def wake(self, topic: str) -> None:
        for listener in tuple(self._listeners.get(topic, ())):
            listener()

    def close(self) -> None:
        """Let everybody go who waits: this server is leaving."""
        self.closed = True
        self.wake_all()

    def wake_all(self) -> None:
        """Wake everybody: what was committed meanwhile is not known."""
        for topic in tuple(self._listeners):
            self.wake(topic)
