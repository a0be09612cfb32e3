"""How a launch of the platform ended: from the runs of its trigger to an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from steersman.core import attempts
from steersman.core.reports import Reason
from steersman.core.runs import Job, Run, State
from steersman.core.schedules.fires import Outcome
from steersman.core.schedules.outcomes import Ending

# The machine went away under it; nothing of this is the work's own doing.
LOST = frozenset(
    {
        Reason.NODE_LOST, Reason.EVICTED, Reason.PREEMPTED, Reason.DELETED, Reason.RUNNER_SILENT,
        Reason.RUNNER_GONE, Reason.RUNNER_ENDED, Reason.LEASE_ENDED,
    }
)  # fmt: skip


class Made(NamedTuple):
    """A run that a trigger made: its state, and all of it where that is *errored*."""

    state: State
    ended: float | None
    message: str = ""
    run: Run | None = None


class Seen(NamedTuple):
    """What is known of a launch. *again* tells whether launching it once more does no harm."""

    ending: Ending | None
    again: bool = False


GOING = Seen(None)


def of(state: str | None, message: str, made: Sequence[Made], now: float) -> Seen:
    """Return how a trigger in *state* ended by the runs it made; None for one that is gone."""
    if state is None:
        return Seen(Ending(Outcome.UNKNOWN, now, "its trigger is no longer there"))
    if state == "accepted" or any(not each.state.is_final for each in made):
        return GOING
    if not made:
        return Seen(Ending(Outcome.FAILED, now, f"nothing ran: {message or 'nothing fits'}"))
    at = max(each.ended or now for each in made)
    states = {each.state for each in made}
    said = "; ".join(each.message for each in made if each.message)
    if State.ERRORED in states:
        return _errored([each for each in made if each.state is State.ERRORED], at, said)
    if State.FAILED in states:
        return Seen(Ending(Outcome.FAILED, at, said))
    if State.CANCELLED in states:
        return Seen(Ending(Outcome.UNKNOWN, at, said or "it was cancelled"))
    return Seen(Ending(Outcome.SUCCEEDED, at, said))


def _errored(made: Sequence[Made], at: float, said: str) -> Seen:
    """Tell a run whose machine went away from one that broke otherwise."""
    jobs = [job for each in made for job in (each.run.jobs if each.run else ()) if _is_broken(job)]
    if not jobs or any(job.attempts[-1].reason not in LOST for job in jobs):
        return Seen(Ending(Outcome.FAILED, at, said or "it errored"))
    names = ", ".join(f"{job.name} ({job.attempts[-1].reason})" for job in jobs)
    again = all(job.policy.repeat_errors for job in jobs)
    return Seen(Ending(Outcome.LOST, at, f"{names} was lost"), again)


def _is_broken(job: Job) -> bool:
    return bool(job.attempts) and job.attempts[-1].state is attempts.State.ERRORED
