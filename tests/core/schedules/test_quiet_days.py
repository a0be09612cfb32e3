"""Thirty days on which nothing is due, or all goes well: nobody works, and nobody is told."""

from __future__ import annotations

import pytest

from steersman.core.schedules import alarms, fires, planning
from steersman.core.schedules.fires import Fire, Outcome
from steersman.core.schedules.schedule import Alarms, Cursor
from tests.core.schedules.oracles import at, often
from tests.cron import making

DAY = 86400
DAYS = 30
WATCHED = Alarms(late=30, running=600, silent=1.5 * DAY)


@pytest.mark.hypothesis
def test_nothing_is_planned_written_or_told_while_nothing_is_due() -> None:
    begun = at("2026-03-10 00:00", "Europe/Berlin")
    each = making.schedule("job", "0 4 1 1 *", zone="Europe/Berlin", alarms=Alarms(late=1))
    cursor = planning.begin(each, begun)
    assert (planning.wake(each, cursor) or 0) > begun + DAYS * DAY
    step = often(300, 1)
    for now in range(begun, begun + DAYS * DAY, step):
        rows, moved = planning.plan(each, cursor, now)
        assert rows == ()
        assert moved == cursor._replace(decided=now)
        cursor = moved
        assert alarms.find(each, cursor, (), now) == []


@pytest.mark.hypothesis
def test_days_on_which_all_goes_well_raise_no_alarm() -> None:
    begun = at("2026-10-10 00:00", "Europe/Berlin")
    each = making.schedule("job", "30 2 * * *", zone="Europe/Berlin", alarms=WATCHED)
    cursor, row, runs = planning.begin(each, begun), _none(), 0
    step = often(300, 1)
    for now in range(begun, begun + DAYS * DAY, step):
        rows, cursor = planning.plan(each, cursor, now)
        for new in rows:
            assert alarms.find(each, cursor, [new], now) == []
            row, runs = fires.fired(new, "uid", now), runs + 1
        if row.outcome is Outcome.RUNNING and now - (row.launched or now) >= 500:
            row = row._replace(outcome=Outcome.SUCCEEDED, ended=float(now))
            cursor = cursor._replace(last_success=float(now))
        found = alarms.find(each, cursor, [row] if runs else [], now)
        assert found == []
    assert runs == DAYS


def _none() -> Fire:
    return fires.planned("job", 0, 0, 0)


def test_a_day_without_a_success_is_told_so_the_quiet_ones_were_watched() -> None:
    each = making.schedule("job", alarms=WATCHED)
    found = alarms.find(each, Cursor("job", 0, 0.0), (), 1.5 * DAY + 1)
    assert [alarm.what for alarm in found] == [alarms.What.SILENT]
