"""Many rows and cursors in one statement of the bare driver.

Binding each value by the library takes several times as long as the database takes to write it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor
from steersman.cron.ledger import tables

Values = tuple[Any, ...]
# Drivers take a plain text faster than a text that is more than that.
_WORDS = {word: word.value for words in (Kind, State, Reason, Outcome) for word in words}
_FIRE = (*Fire._fields, "last", "closed")


class Bulk:
    """Puts rows into *table*, each in the place of the one with its keys.

    *fields* names the values that the rows come with.
    """

    def __init__(self, engine: Engine, table: Table, fields: Sequence[str]) -> None:
        make = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        statement: Any = make(table)
        keys = [column.name for column in table.primary_key]
        new = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
        upsert = statement.on_conflict_do_update(index_elements=keys, set_=new)
        dialect: Any = type(engine.dialect)
        style = "format" if engine.dialect.name == "postgresql" else "qmark"
        compiled = upsert.compile(dialect=dialect(paramstyle=style))
        self._text = str(compiled)
        order = [fields.index(name) for name in compiled.positiontup]
        self._ordered: Callable[[Values], Values] = itemgetter(*order)

    def write(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Write all of *rows*; each has one value for each field."""
        ordered = list(map(self._ordered, rows))
        if ordered:
            connection.exec_driver_sql(self._text, ordered)


def of_fires(engine: Engine) -> Bulk:
    """Return what writes the values that `fire` makes."""
    return Bulk(engine, tables.fires, _FIRE)


def of_cursors(engine: Engine) -> Bulk:
    """Return what writes the values that `cursor` makes."""
    return Bulk(engine, tables.cursors, Cursor._fields)


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
