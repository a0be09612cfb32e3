"""What an ended run means for its schedule, and when a lost one is launched again."""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Kind, Outcome
from steersman.core.schedules.schedule import Cursor, Pause, Schedule

OURSELVES = "steersman"


class Ending(NamedTuple):
    """How a run ended, and what is known of it in words."""

    outcome: Outcome
    at: float
    message: str = ""


def end(schedule: Schedule | None, fire: Fire, ending: Ending, now: float) -> Fire:
    """Return *fire* after its run ended; one that was lost is planned once more."""
    if ending.outcome is Outcome.LOST and schedule and fire.attempt < schedule.attempts:
        why = f"attempt {fire.attempt} was lost: {ending.message or 'its node is gone'}"
        return fires.again(fire, why, now)
    return fire._replace(
        outcome=ending.outcome, ended=ending.at, message=ending.message or fire.message
    )


def count(schedule: Schedule, cursor: Cursor, fire: Fire) -> Cursor:
    """Return the cursor after *fire*, which has ended, counts.

    A lost run is no failure. Enough of either end the schedule: it is paused, and says why.
    """
    at = fire.ended or fire.since
    if fire.outcome is Outcome.SUCCEEDED:
        last = max(cursor.last_success or 0.0, at)
        successes = cursor.successes + 1
        cursor = cursor._replace(failures=0, successes=successes, last_success=last)
        if schedule.stop.successes is not None and successes >= schedule.stop.successes:
            return _stopped(cursor, f"stopped after {successes} successes", at)
    elif fire.outcome is Outcome.FAILED:
        cursor = cursor._replace(failures=cursor.failures + 1)
        if schedule.stop.failures is not None and cursor.failures >= schedule.stop.failures:
            return _stopped(cursor, f"stopped after {cursor.failures} failures in a row", at)
    return cursor


def _stopped(cursor: Cursor, why: str, at: float) -> Cursor:
    if cursor.pause is not None:
        return cursor
    return cursor._replace(pause=Pause(at, OURSELVES, why))


def resumed(cursor: Cursor) -> Cursor:
    """Return the cursor of a schedule that somebody lets go on; its counts begin anew."""
    return cursor._replace(pause=None, failures=0, successes=0)


def asked(schedule: str, instant: int, by: str, reason: str, now: float) -> Fire:
    """Return the row of a start by hand, which has an identity of its own."""
    return fires.planned(schedule, instant, now, now, fires.Reason.ASKED)._replace(
        kind=Kind.MANUAL, by=by, message=reason
    )


def filled(schedule: str, instant: int, by: str, reason: str, now: float) -> Fire:
    """Return the row of an instant of the past that is launched now."""
    return fires.planned(schedule, instant, now, now, fires.Reason.ASKED)._replace(
        kind=Kind.BACKFILL, by=by, message=reason
    )
