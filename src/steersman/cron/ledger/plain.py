"""Rows, cursors and requests as plain data that JSON and databases hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.core.schedules.alarms import Alarm, Raised, What
from steersman.core.schedules.rows import cursor, fire, of_cursor, of_fire
from steersman.cron.ledger.base import Asking, Request

__all__ = [
    "cursor", "fire", "of_cursor", "of_fire", "of_request", "of_told", "request", "told",
]  # fmt: skip


def of_told(raised: Raised) -> dict[str, Any]:
    """Return an alarm that was told as data."""
    return {**raised.alarm._asdict(), "what": str(raised.alarm.what), "raised": raised.at}


def told(data: Mapping[str, Any]) -> Raised:
    """Return the alarm that `of_told` made data of."""
    about = data["schedule"], What(data["what"]), data["instant"], data["message"]
    return Raised(Alarm(*about), data["raised"])


def of_request(request: Request) -> dict[str, Any]:
    """Return a request as data."""
    return {
        **request._asdict(),
        "asking": str(request.asking),
        "instants": list(request.instants),
    }


def request(data: Mapping[str, Any]) -> Request:
    """Return the request that `of_request` made data of."""
    found = Request(**{name: data[name] for name in Request._fields if name in data})
    return found._replace(asking=Asking(found.asking), instants=tuple(found.instants))
