"""Every zone there is: offsets, and a daily schedule that comes once on each day."""

from __future__ import annotations

import random
import zoneinfo
from datetime import datetime, timedelta
from functools import lru_cache

import pytest

from steersman.core.errors import UserError
from steersman.core.schedules import expressions, timetables, zones
from steersman.core.schedules.timetables import Dst, Fold, Gap
from steersman.core.schedules.walls import Calendar
from tests.core.schedules.oracles import often

END = 2_145_916_800


def _distinct() -> list[str]:
    """Return one name of each set of rules; all the others are the same zone by another name."""
    found: dict[bytes, str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        with_rules = zoneinfo.ZoneInfo(name)
        probe = ",".join(
            str(datetime.fromtimestamp(at, with_rules).utcoffset())
            for at in range(0, END, 397 * 86400)
        )
        found.setdefault(probe.encode(), name)
    return sorted(found.values())


@pytest.fixture(scope="module")
def changes() -> dict[str, list[zones.Stretch]]:
    """Return each distinct zone with the stretches that end with a change, sampled."""
    chance = random.Random(2)
    found = {}
    for name in often(_distinct(), sorted(zoneinfo.available_timezones())):
        zone, at, seen = zones.Zone(name, zoneinfo.ZoneInfo(name)), 0, []
        # A sixth of the years of each zone, others for others.
        while at < END:
            stretch = zone.stretch(at)
            at = stretch.end
            if stretch.after != stretch.offset:
                seen.append(stretch)
            else:
                at += chance.randrange(often(16, 1)) << 24
        found[name] = seen
    return found


def test_every_zone_has_its_changes_where_its_offset_changes(
    changes: dict[str, list[zones.Stretch]],
) -> None:
    assert len(changes) > 200
    assert sum(map(len, changes.values())) > 1000
    for name, stretches in changes.items():
        rules = zoneinfo.ZoneInfo(name)
        for stretch in stretches[::7]:
            before = datetime.fromtimestamp(stretch.end - 1, rules).utcoffset()
            after = datetime.fromtimestamp(stretch.end, rules).utcoffset()
            assert before == timedelta(seconds=stretch.offset)
            assert after == timedelta(seconds=stretch.after)


@pytest.mark.hypothesis
def test_a_daily_schedule_runs_once_on_each_day_through_every_change(
    changes: dict[str, list[zones.Stretch]],
) -> None:
    """For `make fuzz` every minute around every change; what several zones share is tried once."""
    chance, known, tried = random.Random(3), set[tuple[int, ...]](), 0
    for name, stretches in changes.items():
        zone = zones.zone(name)
        for stretch in stretches[:: often(max(1, len(stretches) // 6), 1)]:
            change = stretch.end
            days = [zone.stretch(change + day * 86400).offset for day in range(-4, 5)]
            alike = (change, stretch.offset, stretch.after, *days)
            if alike in known:
                continue
            known.add(alike)
            around = abs(stretch.after - stretch.offset)
            # The minutes that the change touches, and their neighbours.
            wall = change + stretch.offset
            minutes = range((wall - around) // 60 - 2, (wall + around) // 60 + 3)
            for minute in chance.sample(minutes, often(2, len(minutes))):
                _once_a_day(zone, minute % 1440, change)
                tried += 1
    assert tried > 1000


@pytest.mark.parametrize(
    ("name", "minute", "change"),
    [
        # The second 02:56 lies beyond a border of what is looked up at once, the second 02:10 not.
        ("Australia/Adelaide", 176, 1_459_614_600),
        ("Australia/Adelaide", 130, 1_459_614_600),
    ],
)
def test_a_change_near_a_border_of_what_is_looked_up_counts_beyond_it(
    name: str, minute: int, change: int
) -> None:
    assert change // (1 << 24) != (change + 3600) // (1 << 24)
    _once_a_day(zones.zone(name), minute, change)


@lru_cache(maxsize=1440)
def _daily(minute: int) -> Calendar:
    timing = expressions.parse(f"{minute % 60} {minute // 60} * * *").timing
    assert isinstance(timing, Calendar)
    return timing


def _once_a_day(zone: zones.Zone, minute: int, change: int) -> None:
    table = timetables.Timetable(_daily(minute), zone)
    first, last = change - 2 * 86400, change + 2 * 86400
    days = [
        (instant + zone.stretch(instant).offset) // 86400
        for instant in timetables.between([table], first, last)
    ]
    assert len(days) == len(set(days)), (zone.name, minute, change)
    whole = set(range(days[0], days[-1] + 1))
    missing = whole - set(days)
    for day in missing:
        # Only a day that nobody had: the clocks were put forward past all of it.
        stretch = zone.stretch(change)
        assert stretch.start + stretch.before <= day * 86400
        assert (day + 1) * 86400 <= stretch.start + stretch.offset


@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        (Dst(Gap.SKIP, Fold.FIRST), ["2026-03-30 02:30", "2026-03-31 02:30"]),
        (Dst(Gap.SHIFT, Fold.FIRST), ["2026-03-29 03:00", "2026-03-30 02:30"]),
    ],
)
def test_the_gap_is_handled_as_told(dst: Dst, expected: list[str]) -> None:
    assert _walls("30 2 * * *", "2026-03-28 12:00", dst, 2) == expected


@pytest.mark.parametrize(
    ("fold", "offsets"),
    [(Fold.FIRST, [7200]), (Fold.SECOND, [3600]), (Fold.BOTH, [7200, 3600])],
)
def test_the_fold_is_handled_as_told(fold: Fold, offsets: list[int]) -> None:
    table = expressions.table(
        expressions.parse("30 2 * * *"), "Europe/Berlin", Dst(Gap.SHIFT, fold)
    )
    start = int(datetime(2026, 10, 25, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).timestamp())
    found = list(timetables.between([table], start, start + 86400))
    assert [table.zone.stretch(each).offset for each in found] == offsets


def _walls(text: str, since: str, dst: Dst, count: int) -> list[str]:
    rules = zoneinfo.ZoneInfo("Europe/Berlin")
    table = expressions.table(expressions.parse(text), "Europe/Berlin", dst)
    at = int(datetime.fromisoformat(since).replace(tzinfo=rules).timestamp())
    found = []
    for _ in range(count):
        instant = timetables.after(table, at)
        assert instant is not None
        found.append(datetime.fromtimestamp(instant, rules).strftime("%Y-%m-%d %H:%M"))
        at = instant
    return found


def test_an_unknown_zone_is_refused_with_the_near_one() -> None:
    with pytest.raises(UserError) as caught:
        zones.zone("Europe/Berln")
    assert caught.value.hint == "did you mean Europe/Berlin?"
