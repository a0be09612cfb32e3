"""The ledger in SQLite or PostgreSQL: each call is one transaction.

A write looks at the row of leadership first and holds it: whoever takes the leadership over waits
for that transaction or comes before it, and then it fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from steersman.core.schedules.fires import Fire
from steersman.core.schedules.schedule import Cursor
from steersman.cron.ledger import bulk, connections, plain, tables
from steersman.cron.ledger.base import (
    LEADING,
    Changes,
    Fenced,
    Loaded,
    Request,
    Term,
    Wanted,
    next_term,
)

T = TypeVar("T")
_ALONE = text("SELECT pg_advisory_xact_lock(7023392)")
"""Several instances may make the tables at once; on SQLite each transaction is alone."""
_DATABASE_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")


class SqlLedger:
    """Rows in the database of *engine*, which it owns.

    Terms are counted by *now*, on PostgreSQL by the database's clock. Without an *executor*
    transactions run where they are asked for: on SQLite that takes less than waking a thread.
    """

    def __init__(
        self, engine: Engine, now: Callable[[], float], executor: Executor | None = None
    ) -> None:
        self._engine = engine
        self._now = now
        self._executor = executor
        self._postgres = engine.dialect.name == "postgresql"
        self._fires, self._cursors = bulk.of_fires(engine), bulk.of_cursors(engine)
        connections.prepare(engine)

    def prepare(self) -> None:
        """Make the tables that are not there yet."""

        def work(connection: Connection) -> bool:
            if self._postgres:
                connection.execute(_ALONE)
            tables.metadata.create_all(connection)
            return bulk.may_copy(connection)

        copies = self._once(work)
        self._fires = bulk.of_fires(self._engine, copies=copies)
        self._cursors = bulk.of_cursors(self._engine, copies=copies)

    async def _transaction(self, work: Callable[[Connection], T]) -> T:
        if self._executor is None:
            return self._once(work)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._once, work)

    def _once(self, work: Callable[[Connection], T]) -> T:
        with connections.translated(), self._engine.begin() as connection:
            return work(connection)

    def _time(self, connection: Connection) -> float:
        if not self._postgres:
            return self._now()
        found: float = connection.execute(_DATABASE_NOW).scalar_one()
        return found

    async def lead(self, holder: str, seconds: float = LEADING) -> Term | None:
        """Take or keep the leadership."""

        def work(connection: Connection) -> Term | None:
            term = _term(connection, lock=self._postgres)
            new = next_term(term, holder, self._time(connection), seconds)
            if new is None:
                return None
            if term is None:
                connection.execute(insert(tables.leadership).values(id=1, **new._asdict()))
            else:
                connection.execute(update(tables.leadership).values(**new._asdict()))
            return new

        return await self._transaction(work)

    async def resign(self, holder: str) -> None:
        """Give the leadership back."""

        def work(connection: Connection) -> None:
            mine = tables.leadership.c.holder == holder
            ended = update(tables.leadership).where(mine).values(until=self._time(connection))
            connection.execute(ended)

        await self._transaction(work)

    async def leader(self) -> Term | None:
        """Return who led last."""
        return await self._transaction(lambda connection: _term(connection, lock=False))

    async def load(self) -> Loaded:
        """Return the cursors, the open rows and what was told."""

        def work(connection: Connection) -> Loaded:
            rows = _all(connection, select(tables.fires).where(tables.fires.c.closed == 0))
            told = _all(connection, select(tables.told).order_by(*tables.told.primary_key))
            cursors = tuple(_cursors(connection))
            return Loaded(cursors, tuple(map(plain.fire, rows)), tuple(map(plain.told, told)))

        return await self._transaction(work)

    async def write(self, fence: int, changes: Changes) -> None:
        """Write all or nothing."""

        def work(connection: Connection) -> None:
            self._check(connection, fence)
            self._fires.write(connection, list(map(bulk.fire, changes.rows)))
            self._cursors.write(connection, list(map(bulk.cursor, changes.cursors)))
            if changes.done:
                done = tables.requests.c.id.in_(changes.done)
                connection.execute(delete(tables.requests).where(done))
            if changes.forget:
                gone = tables.cursors.c.schedule.in_(changes.forget)
                connection.execute(delete(tables.cursors).where(gone))
            if changes.told is not None:
                connection.execute(delete(tables.told))
            if changes.told:
                connection.execute(insert(tables.told), list(map(plain.of_told, changes.told)))

        await self._transaction(work)

    def _check(self, connection: Connection, fence: int) -> None:
        term = _term(connection, lock=self._postgres)
        if term is None or term.fence != fence:
            raise Fenced

    async def ask(self, request: Request) -> None:
        """Leave a request."""
        make = postgresql.insert if self._postgres else sqlite.insert
        statement = make(tables.requests).on_conflict_do_nothing()
        await self._transaction(
            lambda connection: connection.execute(statement, plain.of_request(request))
        )

    async def requests(self) -> list[Request]:
        """Return what is asked."""
        query = select(tables.requests).order_by(tables.requests.c.at, tables.requests.c.id)
        return await self._transaction(
            lambda connection: [plain.request(row) for row in _all(connection, query)]
        )

    async def cursors(self) -> list[Cursor]:
        """Return how far each schedule has come."""
        return await self._transaction(_cursors)

    async def rows(self, wanted: Wanted) -> list[Fire]:
        """Return rows, the newest first."""
        columns = tables.fires.c
        query = select(tables.fires)
        if wanted.schedule is not None:
            query = query.where(columns.schedule == wanted.schedule)
        if wanted.states:
            query = query.where(columns.state.in_(sorted(map(str, wanted.states))))
        if wanted.since is not None:
            query = query.where(columns.last >= wanted.since)
        if wanted.until is not None:
            query = query.where(columns.instant <= wanted.until)
        if wanted.holding is not None:
            query = query.where(columns.instant <= wanted.holding, columns.last >= wanted.holding)
        query = query.order_by(columns.instant.desc(), columns.schedule, columns.kind)
        query = query.limit(wanted.limit)
        return await self._transaction(
            lambda connection: [plain.fire(row) for row in _all(connection, query)]
        )

    async def prune(self, fence: int, before: float) -> int:
        """Remove old rows."""

        def work(connection: Connection) -> int:
            self._check(connection, fence)
            old = (tables.fires.c.closed == 1) & (tables.fires.c.last < before)
            return connection.execute(delete(tables.fires).where(old)).rowcount

        found = await self._transaction(work)
        if not self._postgres:
            self._empty_log()
        return found

    def _empty_log(self) -> None:
        """Let SQLite copy its log into its file, as far as nobody reads from it."""
        with connections.translated(), self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    async def close(self) -> None:
        """Close the database."""
        if self._executor is not None:
            self._executor.shutdown()
        self._engine.dispose()


def _term(connection: Connection, *, lock: bool) -> Term | None:
    query = select(tables.leadership)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else Term(row["holder"], row["fence"], row["until"])


def _cursors(connection: Connection) -> list[Cursor]:
    query = select(tables.cursors).order_by(tables.cursors.c.schedule)
    return [plain.cursor(row) for row in _all(connection, query)]


def _all(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
