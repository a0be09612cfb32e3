"""Rows, cursors and requests as plain data that JSON and databases hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.core.schedules.rows import cursor, fire, of_cursor, of_fire
from steersman.cron.ledger.base import Asking, Request

__all__ = ["cursor", "fire", "of_cursor", "of_fire", "of_request", "request"]


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
