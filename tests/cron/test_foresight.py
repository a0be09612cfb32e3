"""What is decided ahead of time is what would have been decided at that time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from steersman.core.schedules import planning
from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.core.schedules.outcomes import Ending
from steersman.core.schedules.pacing import Pace
from steersman.core.schedules.schedule import Pause, Schedule
from steersman.cron.desk import Desk, Leadership
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.base import Loaded
from tests.cron import making

MINUTE = 1_800_000_000
SCHEDULES = [
    making.schedule("each-minute", "* * * * *"),
    making.schedule("each-second", "* * * * * *"),
    making.schedule("hourly", "0 * * * *"),
    making.schedule("moved", "* * * * *", jitter=5),
    making.schedule("over", "* * * * *", ends=MINUTE - 10),
    making.schedule("strict", "* * * * *", deadline=0.1),
]


class _Scene:
    """A desk a few seconds before a full minute."""

    def __init__(self, schedules: Sequence[Schedule] = SCHEDULES) -> None:
        self.launcher = FakeLauncher(FakeCluster(lambda: 0.0))
        self.desk = Desk(Leadership("one", 1), Loaded((), ()), Pace(0))
        self.configure(schedules, MINUTE - 90.0)
        self.step(MINUTE - 3.5)

    def configure(self, schedules: Sequence[Schedule], now: float) -> None:
        self.desk.configure(making.entries(*schedules), now, planning.TOLERANCE)

    def foresee(self, now: float) -> None:
        self.desk.foresee(now, self.launcher)

    def step(self, now: float) -> None:
        self.desk.step(now, {}, self.launcher, planning.TOLERANCE)

    def rows(self) -> list[Fire]:
        """Return what the ledger is to be told, without when it was thought of."""
        changes = self.desk.rows.changes()
        self.desk.rows.written(changes)
        return sorted(row._replace(since=0.0) for row in changes.rows)


@pytest.mark.parametrize("late", [0.0, 0.4, 0.999, 1.5, 3.0, 70.0, 4000.0])
def test_whoever_foresees_decides_the_same(late: float) -> None:
    found = []
    for foresees in (False, True):
        scene = _Scene()
        for second in range(-3, 1):
            if foresees:
                scene.foresee(MINUTE + second - 0.5)
            scene.step(MINUTE + second + (late if second == 0 else 0.001))
        found.append((scene.rows(), sorted(scene.desk.rows.cursors.values())))
    assert found[0] == found[1]
    assert len(found[0][0]) > 6


def test_what_is_foreseen_does_not_happen_before_its_time() -> None:
    scene = _Scene(SCHEDULES[:1])
    scene.rows()
    scene.foresee(MINUTE - 3.0)
    scene.step(MINUTE - 0.001)
    assert scene.rows() == []
    scene.step(MINUTE + 0.001)
    assert [row.state for row in scene.rows()] == [State.CLAIMED]


def test_a_pause_after_foreseeing_holds() -> None:
    scene = _Scene(SCHEDULES[:1])
    scene.rows()
    scene.foresee(MINUTE - 3.0)
    cursor = scene.desk.rows.cursors["each-minute"]
    scene.desk.set_cursor(cursor._replace(pause=Pause(MINUTE - 2.0, "ann", "holidays")))
    scene.step(MINUTE + 0.5)
    assert [row.state for row in scene.rows()] == [State.SKIPPED]


def test_another_configuration_after_foreseeing_counts() -> None:
    scene = _Scene(SCHEDULES[:1])
    scene.rows()
    scene.foresee(MINUTE - 3.0)
    scene.configure([making.schedule("each-minute", "30 * * * * *")], MINUTE - 2.0)
    scene.step(MINUTE + 31.0)
    assert [row.instant for row in scene.rows()] == [MINUTE + 30]


def test_a_run_that_ends_after_foreseeing_is_counted() -> None:
    scene = _Scene(SCHEDULES[:1])
    (claimed,) = scene.desk.claims.due(MINUTE - 3.0)
    scene.foresee(MINUTE - 3.0)
    fired = scene.desk.claims.launched(claimed.key, "u", MINUTE - 2.0)
    assert fired is not None
    scene.desk.ended(fired, Ending(Outcome.SUCCEEDED, MINUTE - 1.0, ""), MINUTE - 1.0)
    scene.step(MINUTE + 0.5)
    cursor = scene.desk.rows.cursors["each-minute"]
    assert (cursor.successes, cursor.decided) == (1, MINUTE)
