"""Values as PostgreSQL writes them in text, and how those of our columns are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from psycopg import Binary, DataError
from psycopg.types.json import Json


def written(value: Any) -> bytes | None:
    """Return *value* as text; `DataError` for one that PostgreSQL cannot hold."""
    kind = type(value)
    write = _WRITE.get(kind)
    if write is None:
        # An enumeration of ours is a text as well.
        write = _WRITE[next(each for each in kind.__mro__ if each in _WRITE)]
    return write(value)


def _text(value: str) -> bytes:
    if "\0" in value:
        # libpq would take it for the end.
        raise DataError("a text of PostgreSQL cannot hold NUL")
    return str.encode(value)


_WRITE: dict[type, Callable[[Any], bytes | None]] = {
    type(None): lambda value: None,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    float: lambda value: repr(value).encode(),
    str: _text,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    Binary: lambda value: written(bytes(value.obj)),
    Json: lambda value: json.dumps(value.obj).encode(),
}
