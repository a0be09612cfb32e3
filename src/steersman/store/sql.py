"""Transactions on SQLite or PostgreSQL: short plain functions.

A transaction's function may run more than once (a deadlock, a lost connection before the commit),
and together with others, so it changes nothing but rows. Small changes and looks go in rounds that
the loop does itself: on SQLite at once, on PostgreSQL going on with others while an answer is on
its way. What is longer, or takes patience, goes through threads of the store.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    Connection,
    Double,
    Engine,
    Text,
    bindparam,
    cast,
    extract,
    func,
    select,
    text,
)
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    SQLAlchemyError,
    StatementError,
)

from steersman.clock import Clock
from steersman.core.errors import Unavailable, UserError
from steersman.store import engines
from steersman.store.base import Transaction, Waking
from steersman.store.driving import PostgreSQLDriver, SQLiteDriver
from steersman.store.prepared import Prepared
from steersman.store.rounds import NotNow, Round, Rounds, one_of

if TYPE_CHECKING:
    from steersman.store.held import Held

T = TypeVar("T")
Work = Callable[[Transaction], T]
log = logging.getLogger("steersman.store")

PATIENCE = 20.0
"""Seconds a transaction is tried before its caller is told that the store is away."""
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)
RACES = 4
CHANNEL = "steersman"


class Store:
    """Runs transactions on the database at *url* (`sqlite:///...` or `postgresql://...`)."""

    def __init__(self, url: str, clock: Clock, *, patience: float = PATIENCE) -> None:
        self.url = url
        self.clock = clock
        self.patience = patience
        self.waking = Waking()
        self._origin = clock.new_id()
        self.postgres = not engines.is_sqlite(url)
        engine = engines.open_engine(url)
        if self.postgres:
            # Beginning and end are ours to send: they travel with the statements.
            engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writing = engine
        self._reading = (
            # Each look by itself: it takes neither a beginning nor an end.
            engine.execution_options() if self.postgres else engines.open_engine(url, readers=True)
        )
        self._readers = ThreadPoolExecutor(engines.CONNECTIONS, "store")
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._longer: set[asyncio.Task[Any]] = set()
        self._held: list[Held] = []
        self._changes, self._looks = self._rounds(self._writing), self._rounds(self._reading)

    def _rounds(self, engine: Engine) -> Rounds:
        if not self.postgres:
            commit = partial(self._together, partial(self._begun, engine))
            return Rounds(commit, self.waking.wake, busy=lambda: bool(self._longer))
        from steersman.store import switching
        from steersman.store.held import Held

        held = Held(engine, self._readers)
        self._held.append(held)
        commit = partial(self._together, partial(self._held_begun, engine, held))
        return Rounds(commit, self.waking.wake, apart=switching.run)

    async def write(self, work: Work[T]) -> T:
        """Run *work*, a change of a few rows found by their index, in a transaction."""
        try:
            result: T = await self._changes.run(work)
        except NotNow:
            return await self.rewrite(work)
        return result

    async def rewrite(self, work: Work[T]) -> T:
        """Run *work*, which may change many rows or take its time, in a transaction of its own."""
        changing = asyncio.ensure_future(self._rewrite(work))
        self._longer.add(changing)
        changing.add_done_callback(self._let_go)
        # What was begun is brought to its end, also when nobody waits for it any more.
        return await asyncio.shield(changing)

    def _let_go(self, changing: asyncio.Task[Any]) -> None:
        self._longer.discard(changing)
        if not changing.cancelled():
            changing.exception()  # whoever waited has it

    async def _rewrite(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        threads = self._readers if self.postgres else self._writer
        result, wakes = await loop.run_in_executor(threads, self._patiently, self._writing, work)
        for topic in wakes:
            self.waking.wake(topic)
        return result

    async def read(self, work: Work[T]) -> T:
        """Run *work*, a look at a few rows by their index.

        SQLite's readers see one state of all rows, never wait, and are done before a thread would
        have been woken. On PostgreSQL each statement sees what is committed by then.
        """
        if self.postgres:
            try:
                found: T = await self._looks.run(work)
            except NotNow:
                return await self.scan(work)
            return found
        try:
            return self._once(self._reading, work)[0]
        except SQLAlchemyError:
            # Whatever it is, the patience it takes is not the loop's.
            return await self.scan(work)

    async def scan(self, work: Work[T]) -> T:
        """Run *work*, which may look at many rows, as `read` does but in a thread of its own."""
        loop = asyncio.get_running_loop()
        result, _ = await loop.run_in_executor(self._readers, self._patiently, self._reading, work)
        return result

    def _patiently(self, engine: Engine, work: Work[T]) -> tuple[T, list[str]]:
        """Try until it goes through, or the store is away for too long."""
        deadline = time.monotonic() + self.patience
        tries = 0
        while True:
            try:
                return self._once(engine, work)
            except DBAPIError as error:
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                tries += 1
                if engines.is_bad_value(error):
                    raise UserError(f"a value cannot be stored: {_short(error)}") from error
                if not engines.may_pass(error) and not (self._was_first(error) and tries < RACES):
                    raise
                if engines.is_full(error) or time.monotonic() + pause > deadline:
                    raise engines.explained(error) from error
                time.sleep(pause)
            except (StatementError, UnicodeError, OverflowError) as error:
                # A NUL, half of a surrogate pair, a number beyond 64 bits: somebody sent it.
                if isinstance(getattr(error, "orig", error), (ValueError, OverflowError)):
                    raise UserError(f"a value cannot be stored: {_short(error)}") from error
                raise
            except SQLAlchemyError as error:
                if isinstance(error, TimeoutError):
                    raise Unavailable("the database has no connection to spare") from error
                raise

    def _was_first(self, error: DBAPIError) -> bool:
        """Tell whether somebody may just have added the very row: then the next try finds it."""
        return self.postgres and isinstance(error, IntegrityError)

    def _once(self, engine: Engine, work: Work[T]) -> tuple[T, list[str]]:
        with self._begun(engine) as transaction:
            result = work(transaction)
        return result, list(transaction.wakes)

    def _together(
        self, begin: Callable[[], AbstractContextManager[Transaction]], works: list[Work[Any]]
    ) -> Round:
        """Run several in one transaction; whatever is raised, nothing of it was committed."""
        with begin() as transaction:
            done = [one_of(work, transaction) for work in works]
        return Round(done, tuple(transaction.wakes))

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[Transaction]:
        """Give a transaction, and commit it."""
        with engine.connect() as connection:
            if self.postgres:
                with self._begun_on(connection, changes=engine is self._writing) as transaction:
                    yield transaction
                return
            with connection.begin():
                transaction = Transaction(connection, SQLiteDriver(connection), self.clock.now)
                yield transaction
                transaction.commit()

    @contextmanager
    def _held_begun(self, engine: Engine, held: Held) -> Iterator[Transaction]:
        with (
            held.use() as connection,
            self._begun_on(connection, changes=engine is self._writing) as transaction,
        ):
            yield transaction

    @contextmanager
    def _begun_on(self, connection: Connection, *, changes: bool) -> Iterator[Transaction]:
        driver = PostgreSQLDriver(connection, begins=changes)
        # Several servers share one clock: the database's.
        transaction = Transaction(connection, driver, _NOW)
        try:
            yield transaction
            self._notify(transaction)
            transaction.commit()
        except BaseException:
            driver.forget()
            raise

    def _notify(self, transaction: Transaction) -> None:
        """Let other servers hear what is committed."""
        from steersman.store.listening import payloads

        for payload in payloads(self._origin, transaction.wakes):
            transaction.run(_NOTIFY, {"channel": CHANNEL, "payload": payload})

    async def listen(self) -> None:
        """Hear what other servers commit, for as long as this runs (PostgreSQL only)."""
        if not self.postgres:
            return
        from steersman.store.listening import listen

        await listen(self.url, CHANNEL, self.waking, self._origin)

    async def check(self) -> None:
        """Raise `Unavailable` unless the database answers."""
        await self.read(lambda tx: tx.value(text("SELECT 1")))

    def close(self) -> None:
        """Let go of every connection; transactions that run end first."""
        self._writer.shutdown()
        self._readers.shutdown()
        for each in self._held:
            each.close()
        self._writing.dispose()
        self._reading.dispose()


def _short(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0][:200]


_NOW = Prepared(select(cast(extract("epoch", func.clock_timestamp()), Double).label("now")))
_NOTIFY = Prepared(
    select(func.pg_notify(bindparam("channel", type_=Text), bindparam("payload", type_=Text)))
)
