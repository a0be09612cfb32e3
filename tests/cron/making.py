"""Short ways to what the tests of cron need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steersman.core.schedules import expressions, timetables
from steersman.core.schedules.fires import Fire, Kind
from steersman.core.schedules.schedule import Schedule
from steersman.cron.entries import Entries, Entry
from steersman.cron.launchers.base import Work


def schedule(name: str = "job", *texts: str, zone: str = "UTC", **more: Any) -> Schedule:
    """Return a schedule of *texts*, once a minute unless told otherwise."""
    texts = texts or ("* * * * *",)
    tables = tuple(expressions.table(expressions.parse(text, seed=name), zone) for text in texts)
    return Schedule(name, tables, texts, **more)


def entries(*schedules: Schedule, **body: Any) -> Entries:
    """Return a configuration of them, each with work of its name."""
    return {each.name: Entry(each, Work(each.name, each.name, body)) for each in schedules}


def stood_for(rows: Iterable[Fire], each: Schedule) -> list[int]:
    """Return every instant that the rows of a schedule stand for, ranges written out."""
    found: list[int] = []
    for row in rows:
        if row.schedule != each.name or row.kind is not Kind.SCHEDULED:
            continue
        instants = list(timetables.between(each.tables, row.instant - 1, row.last))
        assert len(instants) == row.covers, row
        found += instants
    return sorted(found)
