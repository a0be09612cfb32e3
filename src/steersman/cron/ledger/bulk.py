"""Many rows and cursors at once, by the bare driver.

Binding each value by the library takes several times as long as the database takes to write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import Engine, Table, column, select, table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor
from steersman.cron.ledger import tables

Values = tuple[Any, ...]
# Drivers take a plain text faster than a text that is more than that.
_WORDS = {word: word.value for words in (Kind, State, Reason, Outcome) for word in words}
_FIRE = (*Fire._fields, "last", "closed")


class Bulk:
    """Puts rows into *target*, each in the place of the one with its keys.

    *fields* names the values that the rows come with. No key may come twice.
    """

    def __init__(self, engine: Engine, target: Table, fields: Sequence[str]) -> None:
        make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        dialect: Any = type(engine.dialect)
        style = "format" if engine.dialect.name == "postgresql" else "qmark"
        compiled = _replacing(make(target), target).compile(dialect=dialect(paramstyle=style))
        self._text = str(compiled)
        self._ordered = _in_order(fields, compiled.positiontup)

    def write(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Write all of *rows*; each has one value for each field."""
        if rows:
            connection.exec_driver_sql(self._text, list(map(self._ordered, rows)))


class Copying(Bulk):
    """Sends many rows in one stream to PostgreSQL, into a table that this connection alone sees.

    The database puts them from there into *target* by one statement. A statement for each row takes
    it twice as long.
    """

    MANY = 100

    def __init__(self, engine: Engine, target: Table, fields: Sequence[str]) -> None:
        super().__init__(engine, target, fields)
        names = [each.name for each in target.columns]
        quote = engine.dialect.identifier_preparer.quote
        new = table(f"new_{target.name}", *map(column, names))
        self._make = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {new.name} (LIKE {target.name})"
            " ON COMMIT DELETE ROWS"
        )
        self._copy = f"COPY {new.name} ({', '.join(map(quote, names))}) FROM STDIN"
        moving = postgresql.insert(target).from_select(names, select(*new.columns))
        self._move = _replacing(moving, target)
        self._as_copied = _in_order(fields, names)

    def write(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Write all of *rows*, by a stream if they are many."""
        if len(rows) < self.MANY:
            super().write(connection, rows)
            return
        connection.exec_driver_sql(self._make)
        driver: Any = connection.connection.driver_connection
        with _explained(connection), driver.cursor() as cursor, cursor.copy(self._copy) as stream:
            for row in map(self._as_copied, rows):
                stream.write_row(row)
        connection.execute(self._move)


def _in_order(fields: Sequence[str], names: Iterable[str]) -> Callable[[Values], Values]:
    return itemgetter(*(fields.index(name) for name in names))


def _replacing(statement: Any, target: Table) -> Any:
    """Let an insert write over the row that has its keys."""
    keys = [each.name for each in target.primary_key]
    others = [each.name for each in target.columns if each.name not in keys]
    new = {name: statement.excluded[name] for name in others}
    return statement.on_conflict_do_update(index_elements=keys, set_=new)


@contextmanager
def _explained(connection: Connection) -> Iterator[None]:
    """Raise errors of the bare driver as the library does."""
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except base as error:
        raise DBAPIError.instance("COPY", None, error, base) from error


def may_copy(connection: Connection) -> bool:
    """Tell whether tables may be made that only a connection sees."""
    if connection.dialect.name != "postgresql":
        return False
    asked = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"
    return bool(connection.exec_driver_sql(asked).scalar_one())


def of_fires(engine: Engine, *, copies: bool = False) -> Bulk:
    """Return what writes the values that `fire` makes."""
    return (Copying if copies else Bulk)(engine, tables.fires, _FIRE)


def of_cursors(engine: Engine, *, copies: bool = False) -> Bulk:
    """Return what writes the values that `cursor` makes."""
    return (Copying if copies else Bulk)(engine, tables.cursors, Cursor._fields)


def fire(row: Fire) -> Values:
    """Return the values of a row."""
    schedule, instant, kind, state, reason, *rest = row
    words = _WORDS
    outcome = row.outcome
    values = [schedule, instant, words[kind], words[state], words[reason], *rest]
    if outcome is not None:
        values[_OUTCOME] = words[outcome]
    values += (row.last, int(not row.open))
    return tuple(values)


_OUTCOME = _FIRE.index("outcome")
_PAUSE = Cursor._fields.index("pause")


def cursor(each: Cursor) -> Values:
    """Return the values of a cursor."""
    if each.pause is None:
        return each
    values = list(each)
    values[_PAUSE] = json.dumps(each.pause._asdict())
    return tuple(values)
