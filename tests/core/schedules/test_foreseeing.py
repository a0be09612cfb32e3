"""What is foreseen of an instant is what is decided at it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steersman.core.schedules import alarms, fires, foreseeing, pacing, planning
from steersman.core.schedules.pacing import Pace
from steersman.core.schedules.schedule import Alarms, Overlap, Overlapping, Pause
from tests.cron import making

MINUTE = 1_800_000_000
_SECONDS = st.sampled_from([None, 0.0, 0.4, 30.0])


@given(
    st.sampled_from(["* * * * *", "* * * * * *", "*/7 * * * * *", "H * * * *"]),
    st.integers(1, 200),
    st.floats(0, 1, exclude_max=True),
    st.fixed_dictionaries(
        {
            "deadline": _SECONDS,
            "alarms": _SECONDS.map(lambda late: Alarms(late=late)),
            "ends": st.sampled_from([None, MINUTE + 3, MINUTE + 90_000]),
        }
    ),
)
def test_what_is_foreseen_is_decided_as_long_as_it_holds(
    text: str, before: int, share: float, rules: dict[str, Any]
) -> None:
    schedule = making.schedule("x", text, **rules)
    cursor = planning.begin(schedule, MINUTE - before)
    instant = planning.next_wake(schedule, cursor)
    assume(instant is not None)
    assert instant is not None
    seen = foreseeing.foresee(schedule, cursor, instant)
    assert seen is not None
    now = instant + share * min(seen.until - instant, 70.0)
    assume(now < seen.until)
    plan = planning.plan(schedule, cursor, now)
    assert [fire._replace(since=instant) for fire in plan.rows] == [seen.fire]
    assert planning.wake(schedule, plan.cursor) == seen.wake
    assert alarms.of_row(schedule, fires.fired(seen.fire, "", now), now) is None


@pytest.mark.parametrize(
    "rules",
    [
        {"overlap": Overlap(Overlapping.FORBID)},
        {"group": "night"},
        {"jitter": 600},
        {"ends": MINUTE - 1},
    ],
)
def test_what_depends_on_more_than_its_time_is_not_foreseen(rules: dict[str, Any]) -> None:
    schedule = making.schedule("x", **rules)
    assert foreseeing.foresee(schedule, planning.begin(schedule, MINUTE - 9), MINUTE) is None


def test_neither_a_pause_nor_what_was_missed_is_foreseen() -> None:
    schedule = making.schedule("x")
    cursor = planning.begin(schedule, MINUTE - 9)
    paused = cursor._replace(pause=Pause(MINUTE - 5.0, "ada", "holidays"))
    assert foreseeing.foresee(schedule, paused, MINUTE) is None
    behind = cursor._replace(decided=MINUTE - 3600)
    assert foreseeing.foresee(schedule, behind, MINUTE) is None


def test_many_are_launched_at_once_where_there_is_room_for_all() -> None:
    pace = Pace(rate=50.0, level=10.0, at=100.0)
    assert pacing.at_once(pace, 21, 100.2) is None
    after = pacing.at_once(pace, 15, 100.2)
    assert after is not None
    assert after.level == pytest.approx(5.0)
    assert pacing.at_once(Pace(rate=0.0), 10_000, 100.0) is not None
