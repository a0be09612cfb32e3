"""A connection to PostgreSQL that is kept from one use to the next, and lets the loop go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import waiting
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from steersman.store import switching


class SwitchingConnection(psycopg.Connection[Any]):
    """Waits for its answers as a function of `switching` does, wherever that may be."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run what psycopg began to its end."""
        if not switching.may_wait():
            return super().wait(gen, interval, timeout)
        ending = waiting.wait_async(gen, self.pgconn.socket, interval or 0.1, timeout)
        return switching.wait_for(ending)


class Held:
    """One connection of *engine*, made by a thread of *threads* when it is needed."""

    def __init__(self, engine: Engine, threads: Executor) -> None:
        event.listen(engine, "do_connect", _connect)
        self._engine = engine
        self._threads = threads
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Give it; after an error the next use begins with a fresh one."""
        connection = self._connection or self._connect()
        # Nobody else is given it meanwhile; and whoever is ended here leaves none behind.
        self._connection = None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.in_transaction():
            connection.rollback()  # of SQLAlchemy's idea of one: all was committed
        self._connection = connection

    def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        return switching.wait_for(loop.run_in_executor(self._threads, self._engine.connect))

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(dialect: Any, record: Any, args: Any, given: Any) -> SwitchingConnection:
    return SwitchingConnection.connect(*args, **given)
