"""Planning, overlap, pace, alarms and reaping: decisions without any program around them."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core.schedules import (
    explaining,
    fires,
    forecasts,
    overlaps,
    pacing,
    planning,
    reaping,
    timetables,
)
from steersman.core.schedules.fires import Fire, Key, Kind, Outcome, Reason, State
from steersman.core.schedules.overlaps import Running, Waiting
from steersman.core.schedules.pacing import Pace, Ready
from steersman.core.schedules.reaping import Ended, Limits
from steersman.core.schedules.schedule import (
    Catching,
    CatchUp,
    Cursor,
    Overlap,
    Overlapping,
    Pause,
    Schedule,
)
from tests.cron import making

NOW = 1_800_000_000


def test_thirty_days_of_every_second_are_decided_within_a_second_of_cpu() -> None:
    each = making.schedule("job", "* * * * * *", zone="Europe/Berlin")
    cursor = Cursor("job", NOW - 30 * 86400, NOW - 40 * 86400)
    began = time.process_time()
    plan = planning.plan(each, cursor, NOW)
    assert time.process_time() - began <= 1.0
    assert sum(row.covers for row in plan.rows) == 30 * 86400
    assert [row.state for row in plan.rows[:1]] == [State.MISSED]
    assert {row.state for row in plan.rows[1:]} == {State.PLANNED}


@given(
    kind=st.sampled_from(Catching), most=st.integers(1, 5), away=st.integers(1, 4000),
    deadline=st.none() | st.integers(1, 1000), step=st.sampled_from((7, 60, 900)),
    paused=st.none() | st.integers(0, 4000),
)  # fmt: skip
def test_each_instant_has_one_row_whatever_the_policy(
    kind: Catching, most: int, away: int, deadline: int | None, step: int, paused: int | None
) -> None:
    catch_up = CatchUp(kind, most)
    each = making.schedule("job", f"@every {step}s", catch_up=catch_up, deadline=deadline)
    pause = None if paused is None else Pause(NOW - paused, "ann", "", NOW - paused // 2)
    cursor = Cursor("job", NOW - away, NOW - away, pause=pause)
    plan = planning.plan(each, cursor, NOW)
    expected = list(timetables.between(each.tables, NOW - away, NOW))
    assert making.stood_for(plan.rows, each) == expected
    again = planning.plan(each, plan.cursor, NOW)
    assert again.rows == ()
    assert planning.plan(each, plan.cursor, NOW - 3600).rows == ()


@given(st.data())
def test_overlap_never_lets_two_run_that_may_not(data: st.DataObject) -> None:
    kinds = [kind for kind in Overlapping if kind is not Overlapping.ALLOW]
    kind = data.draw(st.sampled_from(kinds))
    policy = Overlap(kind, data.draw(st.integers(1, 3)))
    running: dict[Key, Running] = {}
    waiting: dict[Key, Fire] = {}
    arrived = skipped = launched = 0
    for moment in range(data.draw(st.integers(5, 40))):
        if data.draw(st.booleans()):
            fire = fires.planned("job", NOW + moment, NOW + moment, NOW)
            waiting[fire.key] = fire
            arrived += 1
        if data.draw(st.booleans()) and running:
            running.popitem()
        verdict = overlaps.admit(
            [Waiting(fire, policy) for fire in waiting.values()], running.values(), NOW + moment
        )
        for run in verdict.stop:
            del running[run.key]
        for fire in verdict.launch:
            del waiting[fire.key]
            running[fire.key] = Running(fire.key, f"run-{fire.instant}")
            launched += 1
        for skip in verdict.skip:
            del waiting[skip.fire.key]
            skipped += 1
        assert len(running) <= 1
        allowed = {Overlapping.BUFFER_ONE: 1, Overlapping.QUEUE: policy.most}.get(kind, 0)
        assert len(waiting) <= allowed
        # Nobody waits while nothing is in the way.
        assert running or not waiting
    assert arrived == skipped + launched + len(waiting)


def _ready(count: int, project: str, priority: int = 0, start: int = 0) -> list[Ready]:
    return [
        Ready(fires.planned(f"{project}-{number}", NOW, NOW, NOW), priority, project)
        for number in range(start, start + count)
    ]


def _drain(ready: list[Ready], rate: float) -> list[tuple[float, Fire]]:
    left = {each.fire.key: each for each in ready}
    pace, now, found = Pace(rate, rate, NOW), float(NOW), []
    while left:
        chosen, pace = pacing.pick(pace, left.values(), now)
        for fire in chosen:
            del left[fire.key]
            found.append((now - NOW, fire))
        now += 0.2
    return found


def test_ten_thousand_at_once_are_launched_at_the_rate_by_priority() -> None:
    ready = _ready(1000, "p") + _ready(1000, "p", priority=5, start=1000)
    launched = _drain(ready, 50)
    assert launched[-1][0] <= 2000 / 50 + 5
    numbers = [int(fire.schedule.removeprefix("p-")) for _, fire in launched]
    assert min(numbers[:1000]) >= 1000
    assert pacing.last_launch(50, 10_000) <= 205


def test_a_project_with_thousands_does_not_delay_another_ones() -> None:
    launched = _drain(_ready(3000, "big") + _ready(20, "small"), 50)
    assert max(at for at, fire in launched if fire.schedule.startswith("small")) <= 5


def test_a_rate_below_one_a_second_still_launches_one_after_another() -> None:
    launched = _drain(_ready(3, "p"), 0.25)
    assert [round(at) for at, _ in launched] == [3, 7, 11]


def test_jitter_is_bounded_and_always_the_same() -> None:
    moved = [fires.jitter("job", NOW + number, 30) for number in range(500)]
    assert moved == [fires.jitter("job", NOW + number, 30) for number in range(500)]
    assert set(moved) == set(range(31))
    assert fires.jitter("job", NOW, 0) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(Outcome), st.none() | st.floats(0, 200_000), st.integers(0, 3)),
        max_size=60,
    ),
    st.none() | st.integers(0, 4),
)
def test_a_reaper_never_takes_what_runs(
    runs: list[tuple[Outcome, float | None, int]], keep: int | None
) -> None:
    seen = [
        Ended(f"j{number}", "u", outcome, ended, f"g{group}")
        for number, (outcome, ended, group) in enumerate(runs)
    ]
    limits = Limits(3600, 86400, keep, keep)
    gone = reaping.plan(seen, limits, 200_000)
    assert {each.outcome for each in gone} <= {Outcome.SUCCEEDED, Outcome.FAILED}
    assert all(each.ended is not None for each in gone)
    left = [each for each in seen if each not in gone]
    assert not any(reaping.old(each, limits, 200_000) for each in left)
    assert reaping.plan(left, limits, 200_000) == []


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(0, 30))
def test_the_newest_stay_whose_logs_fit_together_and_always_the_last(
    sizes: list[int], most: int
) -> None:
    budget = reaping.LogBudget(most)
    stay = [budget.stays(size) for size in sizes]
    fit = [sum(sizes[: place + 1]) <= most for place in range(len(sizes))]
    assert stay == [place == 0 or fits for place, fits in enumerate(fit)]


def _fire(**more: object) -> Fire:
    return fires.planned("job", NOW, NOW, NOW)._replace(**more)  # type: ignore[arg-type]


ROWS = [
    (_fire(), "waits to be launched, due at"),
    (_fire(attempt=2, message="attempt 1 was lost: its node is gone"), "launched again"),
    (_fire(state=State.CLAIMED, run="job-1", holder="one", fence=3), "as job-1 by one"),
    (_fire(state=State.FIRED, run="job-1", holder="one", launched=NOW + 4.0,
           outcome=Outcome.RUNNING), "4s late by one (leadership 0) as job-1; it is running"),
    (_fire(state=State.FIRED, kind=Kind.MANUAL, by="ann", launched=NOW, run="x",
           outcome=Outcome.SUCCEEDED, ended=NOW + 5.0), "asked for by ann; it succeeded at"),
    (_fire(state=State.FIRED, reason=Reason.CAUGHT_UP, outcome=Outcome.FAILED,
           message="BackoffLimitExceeded"), "it failed: BackoffLimitExceeded"),
    (_fire(state=State.FIRED, outcome=Outcome.LOST), "it was lost"),
    (_fire(state=State.FIRED, outcome=Outcome.UNKNOWN), "ended unseen"),
    (_fire(state=State.SKIPPED, reason=Reason.OVERLAP, message="job-0 was not over"),
     "skipped (overlap): job-0 was not over"),
    (_fire(state=State.MISSED, reason=Reason.TOO_LATE, message="late", covers=3, until=NOW + 9),
     "(one of 3,"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "words"), ROWS)
def test_every_state_has_an_answer(row: Fire, words: str) -> None:
    assert words in explaining.row(row)


def test_why_there_is_no_row_is_said() -> None:
    each = making.schedule("job", "0 0 * * * *", starts=NOW - 7200, ends=NOW + 7200)
    cursor = Cursor("job", NOW, NOW - 3600.0)
    say = explaining.absent
    assert "no expression of the schedule names" in say(each, cursor, NOW + 1, NOW)
    assert "starts at" in say(each, cursor, NOW - 10 * 3600, NOW)
    assert "ended at" in say(each, cursor, NOW + 10 * 3600, NOW)
    assert "is known since" in say(each, cursor, NOW - 3600, NOW)
    assert "has not come" in say(each, cursor, NOW + 3600, NOW)
    assert "its row is gone" in say(each, cursor, NOW, NOW)
    assert "no such schedule" in say(None, None, NOW, NOW)


def test_the_next_instants_are_told_with_what_the_clocks_do() -> None:
    each: Schedule = making.schedule("job", "30 2 * * *", zone="Europe/Berlin")
    spring = 1_774_700_000
    coming = forecasts.coming(each, spring, 3)
    assert len(coming) == 3
    assert all(sooner.instant < later.instant for sooner, later in pairwise(coming))
    assert "clocks go forward" in " ".join(one.note for one in coming)


def test_the_crowd_of_a_day_is_foreseen() -> None:
    schedules = [making.schedule(f"job-{number}", "0 2 * * *") for number in range(300)]
    load = forecasts.load([(each, None) for each in schedules], NOW, NOW + 86400)
    crowd, *others = forecasts.crowds(load, 50)
    assert crowd.launches == 300
    assert crowd.delay == 5.0
    assert others == []


def test_priorities_and_times_decide_between_equals() -> None:
    chance = random.Random(1)
    ready = [
        Ready(fires.planned(f"s{number}", NOW + number % 3, NOW + number % 3, NOW), number % 2, "p")
        for number in chance.sample(range(60), 60)
    ]
    chosen, _ = pacing.pick(Pace(0), ready, NOW)
    assert [fire.instant for fire in chosen[:30]] == sorted(fire.instant for fire in chosen[:30])
