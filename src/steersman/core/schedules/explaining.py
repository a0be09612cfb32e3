"""`explain`: why an instant ran, when and by whom, or why not, in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime

from steersman.core.schedules import timetables
from steersman.core.schedules.durations import words
from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import Cursor, Schedule


def stamp(instant: float) -> str:
    """Write an instant as RFC 3339 does, in UTC."""
    return datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(fire: Fire) -> str:
    """Say what became of a row."""
    sentence = _STATES[fire.state](fire)
    if fire.covers > 1:
        sentence += f" (one of {fire.covers}, {stamp(fire.instant)} to {stamp(fire.last)})"
    return sentence


def absent(schedule: Schedule | None, cursor: Cursor | None, instant: int, now: float) -> str:
    """Say why the ledger has no row of *instant*."""
    if schedule is None:
        return "no such schedule is in the configuration, and the ledger knows nothing of it"
    if timetables.last_of(schedule.tables, instant) != instant:
        after = timetables.next_of(schedule.tables, instant)
        near = f"; the next one after it is {stamp(after)}" if after is not None else ""
        return f"not planned: no expression of the schedule names this instant{near}"
    if schedule.starts is not None and instant < schedule.starts:
        return f"not planned: the schedule starts at {stamp(schedule.starts)}"
    if schedule.ends is not None and instant > schedule.ends:
        return f"not planned: the schedule ended at {stamp(schedule.ends)}"
    if cursor is not None and instant <= cursor.created:
        return f"not planned: the schedule is known since {stamp(cursor.created)} only"
    if instant > now:
        return "pending: its time has not come"
    if cursor is None:
        return "pending: nobody has looked at this schedule yet"
    if instant > cursor.decided:
        return f"pending: its time has come, and the schedule is decided to {stamp(cursor.decided)}"
    return "its row is gone: the ledger keeps old rows for a limited time"


def _planned(fire: Fire) -> str:
    if fire.attempt > 1:
        return f"waits to be launched again: {fire.message}"
    if fire.message:
        return f"waits to be launched: {fire.message}"
    return f"waits to be launched, due at {stamp(fire.due)}"


def _claimed(fire: Fire) -> str:
    return (
        f"is being launched as {fire.run} by {fire.holder} (leadership {fire.fence}) since "
        f"{stamp(fire.since)}"
    )


def _fired(fire: Fire) -> str:
    launched = fire.launched or fire.since
    late = launched - fire.due
    delay = f", {words(late)} late" if late >= 1 else ""
    who = f"by {fire.holder} (leadership {fire.fence})" if fire.holder else ""
    text = f"fired {_WHY[_why(fire)]} at {stamp(launched)}{delay} {who} as {fire.run}"
    if fire.by:
        text += f", asked for by {fire.by}"
    if fire.attempt > 1:
        text += f", attempt {fire.attempt}"
    if fire.outcome is Outcome.RUNNING:
        return f"{text}; it is running"
    if fire.outcome is None:
        return text
    ended = f" at {stamp(fire.ended)}" if fire.ended else ""
    because = f": {fire.message}" if fire.message else ""
    return f"{text}; it {_ENDINGS[fire.outcome]}{ended}{because}"


def _why(fire: Fire) -> str:
    return fire.kind if fire.kind is not Kind.SCHEDULED else fire.reason


def _skipped(fire: Fire) -> str:
    return f"skipped ({fire.reason}): {fire.message}"


def _missed(fire: Fire) -> str:
    return f"missed ({fire.reason}): {fire.message}"


_STATES = {
    State.PLANNED: _planned,
    State.CLAIMED: _claimed,
    State.FIRED: _fired,
    State.SKIPPED: _skipped,
    State.MISSED: _missed,
}
_WHY: dict[str, str] = {
    Reason.DUE: "since its time had come",
    Reason.CAUGHT_UP: "to catch up",
    Kind.MANUAL: "by hand",
    Kind.BACKFILL: "to fill the past",
}
_ENDINGS = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.LOST: "was lost",
    Outcome.UNKNOWN: "ended unseen",
}
