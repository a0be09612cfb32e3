"""What a transaction is to those who use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.engine import Connection, Dialect

from steersman.store.driving import Driver
from steersman.store.prepared import NOTHING, Adding, Prepared, Said, Values

Row = Mapping[str, Any]
"""A row by the names of its columns."""
Asked = tuple[Prepared, Values]
"""A statement that asks for rows, and its values by name."""


class Transaction:
    """One transaction. *now* is its one moment, by the store's clock.

    What is noted in *wakes* is told to everybody who waits for it, once it is committed. *changed*
    tells whether it may have written anything.
    """

    def __init__(
        self, connection: Connection, driver: Driver, clock: Callable[[], float] | Prepared
    ) -> None:
        self.connection = connection
        self.wakes: dict[str, None] = {}
        self.changed = False
        self.postgres = isinstance(clock, Prepared)
        self._driver = driver
        self._clock = clock
        self._now: float | None = None
        self._pending: list[Said] = []
        self._added: dict[Adding, list[Values]] = {}

    @property
    def now(self) -> float:
        """Return its moment: asked for once, and never alone where it has to travel."""
        if self._now is None:
            if isinstance(self._clock, Prepared):
                self._send([])
            else:
                self._now = self._clock()
        assert self._now is not None  # noqa: S101 - sending has brought it
        return self._now

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run anything; what it is only SQLAlchemy knows, so it counts as a change."""
        self.changed = True
        self._settle()
        return self.connection.execute(statement, values)

    def run(self, statement: Prepared, values: Values = NOTHING) -> None:
        """Change rows, at the latest when something is read or committed."""
        self.changed = True
        self._pending.append(_said(statement, values, self._driver.dialect))

    def add(self, adding: Adding, values: Values) -> None:
        """Add a row at the very end, together with others: nothing before can see it."""
        self.changed = True
        self._added.setdefault(adding, []).append(values)

    def commit(self) -> None:
        """Let the database have what it was told, and keep it."""
        for adding, rows in self._added.items():
            if adding.lock is not None and self.postgres:
                self.run(adding.lock)
            for statement, values in adding.rows(rows):
                self.run(statement, values)
        self._driver.commit(self._taken())

    def _taken(self) -> list[Said]:
        """Return what the database has not heard of yet."""
        pending, self._pending = self._pending, []
        return pending

    def _settle(self) -> None:
        if self._pending:
            self._send([])
        self._driver.settle()

    def ask(self, *asked: Asked) -> list[list[Row]]:
        """Return the rows of several statements, which travel together."""
        said = [_said(statement, values, self._driver.dialect) for statement, values in asked]
        self.changed = self.changed or any(statement.changes for statement, _ in asked)
        found = zip(said, self._send(said), strict=True)
        return [[form.row(row) for row in rows] for (form, _), rows in found]

    def one(self, statement: Executable | Prepared, values: Any = None) -> Row | None:
        """Return the first row, None without any."""
        if isinstance(statement, Prepared):
            [rows] = self.ask((statement, values or NOTHING))
            return rows[0] if rows else None
        self._settle()
        row = self.connection.execute(statement, values).mappings().first()
        return None if row is None else dict(row)

    def all(self, statement: Executable | Prepared, values: Any = None) -> list[Row]:
        """Return all rows."""
        if isinstance(statement, Prepared):
            return self.ask((statement, values or NOTHING))[0]
        self._settle()
        return [dict(each) for each in self.connection.execute(statement, values).mappings()]

    def value(self, statement: Executable, values: Any = None) -> Any:
        """Return the first column of the first row, None without any."""
        self._settle()
        return self.connection.execute(statement, values).scalar()

    def _send(self, asked: list[Said]) -> list[list[Any]]:
        """Let the driver run what is pending, then *asked*, and return the rows of the latter."""
        pending = self._taken()
        if self._now is not None or not isinstance(self._clock, Prepared):
            return self._driver.send(pending, asked)
        # The last of them, as those before may wait for somebody's lock.
        *found, [(self._now,)] = self._driver.send(
            pending, [*asked, _said(self._clock, NOTHING, self._driver.dialect)]
        )
        return found

    def wake(self, topic: str) -> None:
        """Let those who wait for *topic* look again once this is committed."""
        self.wakes[topic] = None


def _said(statement: Prepared, values: Values, dialect: Dialect) -> Said:
    form = statement.form(dialect)
    return form, form.arguments(values)


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
