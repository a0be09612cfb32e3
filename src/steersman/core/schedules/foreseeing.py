"""What is decided before its time, so that thousands of launches need not wait for it."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from steersman.core.schedules import fires, planning
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.schedule import Cursor, Schedule


class Foreseen(NamedTuple):
    """A launch of an instant that is still to come, and when its schedule is looked at after it.

    It is what will be decided then and later, but before *until*, if schedule and cursor stay.
    """

    fire: Fire
    wake: float | None
    until: float


def foresee(schedule: Schedule, cursor: Cursor, instant: int) -> Foreseen | None:
    """Return the launch at *instant*, None where anything else may come of it as well."""
    if cursor.pause is not None or not schedule.is_alone:
        return None
    plan = planning.plan(schedule, cursor, instant)
    fire = fires.planned(schedule.name, instant, instant, instant)
    if plan.rows != (fire,):
        return None
    wake = planning.wake(schedule, plan.cursor)
    return Foreseen(fire, wake, min(instant + _patience(schedule), wake or inf))


def _patience(schedule: Schedule) -> float:
    """Return how late a launch is as good as one in time, and nobody is to be told."""
    late, deadline = schedule.alarms.late, schedule.deadline
    return min(each for each in (planning.TOLERANCE, late, deadline) if each is not None)
