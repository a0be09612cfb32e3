"""Statements that are compiled once for each database, and then run by its driver alone.

For what is asked thousands of times a minute SQLAlchemy's own way from a statement to rows costs
more than the database. What it knows (the words of each database, how values are written and read)
is asked of it once. A prepared statement names all its values; none of them is a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

Values = Mapping[str, Any]
NOTHING: Values = MappingProxyType({})
Convert = Callable[[Any], Any]
AT_ONCE = 10
"""How many rows one statement adds: for each number there is a statement that is prepared."""
_FLOAT8 = 701
"""PostgreSQL's number for the one type of which there are several: all our floats are double."""


class Form(NamedTuple):
    """A statement in the words of one database.

    *names* are its values in order, *constants* those that never change; *write* and *read* turn
    values into the driver's and back, by name and by position.
    """

    text: str
    names: tuple[str, ...] = ()
    constants: Values = NOTHING
    write: tuple[tuple[str, Convert], ...] = ()
    keys: tuple[str, ...] = ()
    read: tuple[tuple[int, Convert], ...] = ()

    def arguments(self, values: Values) -> list[Any]:
        """Return what the driver takes beside the text."""
        if self.write or self.constants:
            known = {**self.constants, **values}
            for name, convert in self.write:
                known[name] = convert(known[name])
            values = known
        return [values[name] for name in self.names]

    def row(self, found: Iterable[Any]) -> dict[str, Any]:
        """Return a row by the names of its columns."""
        if self.read:
            values = list(found)
            for position, convert in self.read:
                values[position] = convert(values[position])
            found = values
        return dict(zip(self.keys, found, strict=True))


Said = tuple[Form, Sequence[Any]]
"""A statement as a driver takes it: its form, and its values in order."""


class Prepared:
    """A statement to run often. *changes* tells whether it may change rows."""

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self.changes = not isinstance(statement, Select)
        self._forms: dict[str, Form] = {}

    def form(self, dialect: Dialect) -> Form:
        """Return the statement as *dialect* says it."""
        found = self._forms.get(dialect.name)
        if found is None:
            found = self._forms[dialect.name] = _form(self._statement, dialect)
        return found


def adding(table: Table, *names: str) -> Prepared:
    """Prepare the adding of a row of which these columns are given."""
    statement = insert(table).values({name: bindparam(name) for name in names})
    return Prepared(statement.inline())


class Adding:
    """The adding of any number of rows at once, of which these columns are given.

    *lock* is taken on PostgreSQL before; being the last of a transaction, it cannot be in the way
    of one that waits for rows.
    """

    def __init__(self, table: Table, *names: str, lock: Prepared | None = None) -> None:
        self.lock = lock
        self._table = table
        self._names = names
        self._counts: dict[int, Prepared] = {}

    def rows(self, values: Sequence[Values]) -> list[tuple[Prepared, Values]]:
        """Return statements that add all of *values*, in order, with what they take."""
        pieces = (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
        return [(self._of(len(piece)), _numbered(piece)) for piece in pieces]

    def _of(self, count: int) -> Prepared:
        found = self._counts.get(count)
        if found is None:
            rows = [
                {
                    name: bindparam(f"{name}_{row}", type_=self._table.c[name].type)
                    for name in self._names
                }
                for row in range(count)
            ]
            found = self._counts[count] = Prepared(insert(self._table).values(rows).inline())
        return found


def _numbered(values: Sequence[Values]) -> Values:
    return {
        f"{name}_{row}": value for row, each in enumerate(values) for name, value in each.items()
    }


def _numbering(dialect: Dialect) -> Dialect:
    """Return *dialect* with its values as $1, $2 and so on, as libpq itself has them."""
    kind: Any = type(dialect)
    numbering: Dialect = kind(paramstyle="numeric_dollar")
    return numbering if dialect.paramstyle == "pyformat" else dialect


def _form(statement: Select[Any] | UpdateBase, dialect: Dialect) -> Form:
    compiled = statement.compile(dialect=_numbering(dialect))
    params = compiled.params
    binds = {name: bind for bind, name in getattr(compiled, "bind_names", {}).items()}
    write = {name: each.type.dialect_impl(dialect) for name, each in binds.items()}
    processors = ((name, kind.bind_processor(dialect)) for name, kind in write.items())
    columns = list(
        statement.selected_columns if isinstance(statement, Select) else statement.exported_columns
    )
    readers = (
        (place, each.type.dialect_impl(dialect).result_processor(dialect, _FLOAT8))
        for place, each in enumerate(columns)
    )
    return Form(
        str(compiled),
        tuple(getattr(compiled, "positiontup", None) or ()),
        {name: value for name, value in params.items() if not binds[name].required},
        tuple((name, convert) for name, convert in processors if convert is not None),
        tuple(each.key or "" for each in columns),
        tuple((place, convert) for place, convert in readers if convert is not None),
    )
