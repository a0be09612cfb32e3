"""Prepared statements on PostgreSQL, several to a journey, by libpq's pipeline mode itself.

A cursor of psycopg costs more than what most of our statements do. Here a statement's values go out
as text and its rows come back by the types the server names, on the connection that psycopg opened.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection, Error, abc, errors, pq
from psycopg.adapt import Transformer

from steersman.store import switching
from steersman.store.postgresql_values import written
from steersman.store.prepared import Said

Rows = list[tuple[Any, ...]]
_LONGEST_LOOK = 60.0
"""Seconds between two looks at a connection on which nothing comes: it may have been shut."""


class _Statement:
    """A statement this connection knows: its name there, and what reads its rows, once known."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.reader: abc.Transformer | None = None


class Known:
    """What one connection has prepared, by the statements' texts. A name is never used again."""

    def __init__(self) -> None:
        self.statements: dict[str, _Statement] = {}
        self._count = 0

    def new_name(self) -> bytes:
        self._count += 1
        return b"steersman_%d" % self._count


class _Sent(NamedTuple):
    """A statement on its way; *fresh*: the answer to its preparation comes first."""

    text: str
    statement: _Statement
    fresh: bool


class Pipeline:
    """What travels on one connection, for which *known* is kept from one use to the next."""

    def __init__(self, connection: Connection[Any], known: Known) -> None:
        self._connection = connection
        self._pq = connection.pgconn
        self._known = known

    def run(self, said: Sequence[Said]) -> list[Rows]:
        """Run statements one after another and return the rows of each, or raise the first error.

        After an error of the server nothing else of *said* was run, and the connection may be used
        as before; after any other it is shut.
        """
        try:
            self._pq.enter_pipeline_mode()
            sent = [self._send(form.text, values) for form, values in said]
            self._pq.pipeline_sync()
            rows, failed = self._received(sent)
            self._pq.exit_pipeline_mode()
        except BaseException:
            # Half of an answer may be left on it, which nobody else should take for theirs.
            self._pq.finish()
            raise
        if failed is not None:
            raise failed
        return rows

    def _send(self, text: str, values: Sequence[Any]) -> _Sent:
        found = self._known.statements.get(text)
        statement = found or _Statement(self._known.new_name())
        arguments = [written(each) for each in values]
        if found is None:
            self._pq.send_prepare(statement.name, text.encode())
        self._pq.send_query_prepared(statement.name, arguments)
        return _Sent(text, statement, fresh=found is None)

    def _received(self, sent: list[_Sent]) -> tuple[list[Rows], Error | None]:
        """Return the rows of each that was *sent*, and the error at which they ended."""
        rows: list[Rows] = []
        failed: Error | None = None
        for text, statement, fresh in sent:
            results = [self._result() for _ in range(1 + fresh)]
            wrong = next((each for each in results if each.status not in _FINE), None)
            if wrong is None:
                self._known.statements[text] = statement
                rows.append(self._rows(results[-1], statement))
            elif failed is None:
                failed = errors.error_from_result(wrong)
        self._next()  # where all of them were to be done
        return rows, failed

    def _rows(self, result: pq.abc.PGresult, statement: _Statement) -> Rows:
        if not result.nfields:
            return []
        reader = statement.reader
        if reader is None:
            reader = statement.reader = Transformer(self._connection)
            reader.set_pgresult(result)
        else:
            # The types of its columns never change.
            reader.set_pgresult(result, set_loaders=False)
        return reader.load_rows(0, result.ntuples, tuple)

    def _result(self) -> pq.abc.PGresult:
        """Return the result of the next statement, to its end."""
        found = self._next()
        assert found is not None  # noqa: S101 - each statement has a result
        self._next()
        return found

    def _next(self) -> pq.abc.PGresult | None:
        connection = self._pq
        while connection.is_busy():
            # What is left to be sent may take turns with what comes, both being large.
            writing = connection.flush() != 0
            if switching.may_wait():
                switching.until_ready(connection.socket, writing=writing)
            else:
                writers = [connection.socket] if writing else []
                select.select([connection.socket], writers, [], _LONGEST_LOOK)
            connection.consume_input()
        return connection.get_result()


_FINE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
