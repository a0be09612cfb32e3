"""Rows and cursors as plain data that JSON and databases hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor, Pause


def of_fire(fire: Fire) -> dict[str, Any]:
    """Return a row as data; words of closed lists are texts."""
    data = dict(zip(Fire._fields, fire, strict=True))
    data["kind"], data["state"] = fire.kind.value, fire.state.value
    data["reason"] = fire.reason.value
    data["outcome"] = None if fire.outcome is None else fire.outcome.value
    return data


def fire(data: Mapping[str, Any]) -> Fire:
    """Return the row that `of_fire` made data of."""
    found = Fire(**{name: data[name] for name in Fire._fields if name in data})
    outcome = None if found.outcome is None else Outcome(found.outcome)
    return found._replace(
        kind=Kind(found.kind),
        state=State(found.state),
        reason=Reason(found.reason),
        outcome=outcome,
    )


def of_cursor(cursor: Cursor) -> dict[str, Any]:
    """Return a cursor as data."""
    data = cursor._asdict()
    data["pause"] = None if cursor.pause is None else cursor.pause._asdict()
    return data


def cursor(data: Mapping[str, Any]) -> Cursor:
    """Return the cursor that `of_cursor` made data of."""
    found = Cursor(**{name: data[name] for name in Cursor._fields if name in data})
    pause: Any = found.pause
    return found._replace(pause=None if pause is None else Pause(**pause))
