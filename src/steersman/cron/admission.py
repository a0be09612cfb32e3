"""Who of those that wait in a lane may run, now that this is what runs there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from steersman.core.schedules import fires, overlaps, planning
from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.core.schedules.overlaps import Running, Waiting
from steersman.cron.launchers.base import Run
from steersman.cron.rows import Rows


class Admitted(NamedTuple):
    """Rows that may be launched, and names of runs that are ended for them."""

    launch: Sequence[Fire] = ()
    stops: Sequence[str] = ()


def admit(rows: Rows, lane: str, runs: Mapping[str, Run], now: float) -> Admitted:
    """Decide about *lane*: who is neither admitted nor waits any longer is over."""
    waiting = _in_time(rows, lane, now)
    if not waiting:
        return Admitted()
    lanes = rows.lanes
    running = [_running(rows.open[key], runs) for key in lanes.running(lane)]
    verdict = overlaps.admit(waiting, running, now)
    lanes.go(lane, [fire.key for fire in verdict.launch])
    lanes.go(lane, [skip.fire.key for skip in verdict.skip])
    for fire in verdict.launch:
        lanes.enter(lane, fire.key)
    for skip in verdict.skip:
        rows.put(fires.ended(skip.fire, State.SKIPPED, skip.reason, skip.message, now))
    return Admitted(verdict.launch, [run.run for run in verdict.stop if run.run])


def _in_time(rows: Rows, lane: str, now: float) -> list[Waiting]:
    """Return who waits and whose deadline is not over."""
    found = []
    for key in rows.lanes.waiting(lane):
        fire, schedule = rows.open[key], rows.entries[key.schedule].schedule
        late = planning.too_late(schedule, fire, now)
        if late is None:
            found.append(Waiting(fire, schedule.overlap))
        else:
            rows.lanes.go(lane, [key])
            rows.put(late)
    return found


def _running(fire: Fire, runs: Mapping[str, Run]) -> Running:
    run = runs.get(fire.run)
    if run is None:
        return Running(fire.key, fire.run)
    lost = run.outcome is not Outcome.RUNNING
    return Running(fire.key, fire.run, lost, run.sick, run.terminating)
