"""Rows that a statement is given: thousands, as one text of JSON, a list of lists.

Binding each value by itself takes longer than what the database does with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

ROWS = "rows"
"""The name of the statement's value."""
TEXT, WHOLE, TIME, DATA = Text(), BigInteger(), Float(53), JSON()


class Given(NamedTuple):
    """The rows as something to select from, and their columns in order."""

    rows: FromClause
    columns: list[ColumnElement[Any]]


def given(*types: TypeEngine[Any], postgres: bool) -> Given:
    """Return rows whose values have these types, in the words of one of the databases."""
    text = bindparam(ROWS, type_=Text)
    unpacked = func.jsonb_array_elements(cast(text, JSONB)) if postgres else func.json_each(text)
    rows = unpacked.table_valued("value", name="given")
    each = _of_postgres if postgres else _of_sqlite
    return Given(rows, [each(rows.c.value, place, kind) for place, kind in enumerate(types)])


def _of_postgres(row: Any, place: int, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    text = row.op("->>")(literal_column(str(place)))
    return type_coerce(text, kind) if isinstance(kind, Text) else cast(text, kind)


def _of_sqlite(row: Any, place: int, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return func.json_extract(row, literal_column(f"'$[{place}]'"), type_=kind)
