"""Schedules and the rows of their ledger as people see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from steersman.core.schedules import explaining, forecasts, linting, timetables
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.forecasts import Coming
from steersman.server import schedules, views
from steersman.store import schedules as rows
from steersman.store.base import Row

Json = dict[str, Any]
Made = Mapping[str, tuple[Row, list[Row]]]
"""Triggers by their ids, each with its runs."""
MOST_INSTANTS = 200_000
"""What a forecast counts before its window is too long: about a second of one core."""


def shown(row: Row, now: float) -> Json:
    """Return a schedule, with its next instant after *now*."""
    soon = forecasts.coming(schedules.read(row), int(now), 1)
    pause = row["pause"]
    return {
        "id": row["id"],
        "name": row["name"],
        "target": row["target"],
        "spec": row["spec"],
        "file_of": row["origin"],
        "by": row["author"],
        "next": views.time(soon[0].instant) if soon else None,
        "pause": pause
        and {
            "by": pause["by"],
            "reason": pause["reason"],
            "since": views.time(pause["since"]),
            "until": views.time(pause["until"]),
        },
        "alarms": [
            {
                "what": each.alarm.what,
                "instant": views.time(each.alarm.instant or None),
                "message": each.alarm.message,
                "raised": views.time(each.at),
            }
            for each in row.get("alarms", ())
        ],
        "last_fired": views.time(row["last_fired"]),
        "last_success": views.time(row["last_success"]),
        "failures": row["failures"],
        "successes": row["successes"],
        "created": views.time(row["created"]),
        "changed": views.time(row["changed"]),
    }


def ahead(row: Row, since: int, until: int, most: int) -> Json:
    """Return what of a schedule falls into a window: its first instants, and how many there are."""
    schedule, pause = schedules.read(row), rows.cursor(row).pause
    low, high = forecasts.window(schedule, pause, since, until)
    found = forecasts.between(schedule, low, high, most)
    return {
        "schedule": row["name"],
        "target": row["target"],
        "paused": pause.reason if pause else None,
        "count": timetables.count_of(schedule.tables, low, high),
        "instants": list(map(coming, found)),
    }


def forecast(found: Sequence[Row], since: int, until: int, most: int) -> Json:
    """Return how many launches of many schedules fall into each hour, and the fullest minutes."""
    read = [(schedules.read(row), rows.cursor(row).pause) for row in found]
    load = forecasts.load(read, since, until, MOST_INSTANTS)
    hours: Counter[int] = Counter()
    for minute, launches in load.items():
        hours[minute // 3600 * 3600] += launches
    crowds = forecasts.crowds(load)[:most]
    return {
        "since": views.time(since),
        "until": views.time(until),
        "schedules": len(found),
        "launches": sum(load.values()),
        "hours": [{"hour": views.time(at), "launches": hours[at]} for at in sorted(hours)],
        "crowds": [each._asdict() | {"minute": views.time(each.minute)} for each in crowds],
    }


def coming(each: Coming) -> Json:
    """Return an instant to come."""
    return {"instant": views.time(each.instant), "due": views.time(each.due), "note": each.note}


def doubts(row: Row, now: float) -> list[Json]:
    """Return what of a schedule may be meant otherwise."""
    return [each._asdict() for each in linting.lint_spec(schedules.read(row), int(now))]


def row(fire: Fire, project: str, made: Made) -> Json:
    """Return a row of the ledger, with the names of its runs."""
    return {
        "instant": views.time(fire.instant),
        "until": views.time(fire.until),
        "covers": fire.covers,
        "kind": fire.kind,
        "state": fire.state,
        "reason": fire.reason,
        "message": fire.message,
        "due": views.time(fire.due),
        "attempt": fire.attempt,
        "launched": views.time(fire.launched),
        "outcome": fire.outcome,
        "ended": views.time(fire.ended),
        "by": fire.by,
        "trigger": fire.run or None,
        "runs": _runs(fire, project, made),
    }


def _runs(fire: Fire, project: str, made: Made) -> list[str]:
    return [f"{project}/{run['number']}" for run in made.get(fire.run, ({}, []))[1]]


def by_name(fire: Fire, project: str, made: Made) -> Fire:
    """Call the runs of a launch as people do."""
    names = _runs(fire, project, made)
    return fire._replace(run=", ".join(names)) if names else fire


def absent(row: Row, at: int, now: float) -> str:
    """Say why there is no row of an instant."""
    if row["removed"] is not None and at > row["removed"]:
        return f"not planned: the schedule was removed at {explaining.stamp(row['removed'])}"
    return explaining.absent(schedules.read(row), rows.cursor(row), at, now)
