"""How a launch of the platform ended, from what is known of its runs."""

from __future__ import annotations

import pytest

from steersman.core import attempts
from steersman.core.attempts import Attempt
from steersman.core.reports import Reason
from steersman.core.retries import Policy
from steersman.core.runs import Job, Run, State
from steersman.core.schedules import endings
from steersman.core.schedules.endings import Made
from steersman.core.schedules.fires import Outcome

NOW = 100.0


def lost(*reasons: Reason, repeat: bool = True) -> Made:
    """Return a run whose jobs errored for these reasons."""
    state = attempts.State.ERRORED
    jobs = tuple(
        Job(
            f"job-{place}",
            "build",
            policy=Policy(repeat_errors=repeat),
            attempts=(Attempt("a", f"job-{place}", 1, 0.0, state, reason=reason),),
        )
        for place, reason in enumerate(reasons)
    )
    return Made(State.ERRORED, 90.0, "", Run("r", jobs))


def made(*states: State) -> list[Made]:
    return [Made(state, 90.0 if state.is_final else None) for state in states]


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([State.SUCCEEDED], Outcome.SUCCEEDED),
        ([State.SUCCEEDED, State.SKIPPED], Outcome.SUCCEEDED),
        ([State.SUCCEEDED, State.FAILED], Outcome.FAILED),
        ([State.CANCELLED, State.SUCCEEDED], Outcome.UNKNOWN),
        ([State.ERRORED], Outcome.FAILED),
        ([State.FAILED, State.RUNNING], None),
        ([State.APPROVAL], None),
    ],
)
def test_the_worst_of_its_runs_counts_once_all_have_ended(
    states: list[State], outcome: Outcome | None
) -> None:
    ending = endings.of("planned", "", made(*states), NOW).ending
    assert (ending.outcome if ending else None) is outcome


def test_what_made_no_run_failed_and_says_why() -> None:
    ending = endings.of("planned", "night: no such pipeline", [], NOW).ending
    assert ending is not None
    assert ending.message == "nothing ran: night: no such pipeline"
    assert endings.of("accepted", "", [], NOW).ending is None
    gone = endings.of(None, "", [], NOW).ending
    assert gone is not None
    assert gone.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("reason", sorted(endings.LOST))
def test_what_its_machine_took_along_is_lost_and_may_be_repeated(reason: Reason) -> None:
    seen = endings.of("planned", "", [lost(reason)], NOW)
    assert seen.ending is not None
    assert (seen.ending.outcome, seen.again) == (Outcome.LOST, True)


def test_nothing_is_repeated_that_must_not_be_or_broke_otherwise_as_well() -> None:
    assert not endings.of("planned", "", [lost(Reason.NODE_LOST, repeat=False)], NOW).again
    seen = endings.of("planned", "", [lost(Reason.NODE_LOST, Reason.INTERNAL)], NOW)
    assert seen.ending is not None
    assert (seen.ending.outcome, seen.again) == (Outcome.FAILED, False)
