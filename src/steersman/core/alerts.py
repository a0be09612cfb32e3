"""Alarms of a project's schedules as news: what was raised and what is over, told together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from steersman.core.notifications import Kind, News, Target

RAISED, OVER = "raised", "over"


class Alert(NamedTuple):
    """One alarm that was raised, or is over. *instant* is 0 where no single one is meant."""

    schedule: str
    what: str
    instant: int
    message: str
    state: str


class Alerts(NamedTuple):
    """What is told of the schedules of a project at once."""

    project: str
    at: float
    alerts: tuple[Alert, ...]


def read(fields: Mapping[str, Any]) -> Alerts:
    """Read what was stored, maybe by another version of us."""
    alerts = [
        Alert(**{key: value for key, value in each.items() if key in Alert._fields})
        for each in fields["alerts"]
    ]
    return Alerts(fields["project"], fields["at"], tuple(alerts))


def stored(alerts: Alerts) -> dict[str, Any]:
    """Return what `read` reads."""
    return {**alerts._asdict(), "alerts": [each._asdict() for each in alerts.alerts]}


def wanted(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return those who hear of alarms, whatever their branches: a schedule is no branch's."""
    return tuple(each for each in targets if each.kind is not Kind.STATUS and News.ALARM in each.on)


def key(target: Target, alerts: Alerts) -> str:
    """Return what tells this message from all others."""
    digest = hashlib.sha256(repr(alerts).encode("utf-8", "replace")).hexdigest()[:32]
    return f"alarm/{digest}/{target.id}"
