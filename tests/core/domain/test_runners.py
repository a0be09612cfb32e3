"""What a worker does about each runner: every case, in words."""

from __future__ import annotations

import pytest

from steersman.core.reports import Reason
from steersman.core.runners import (
    BUSY,
    CANCELLING,
    CLOSING,
    CREATING,
    LEAVING,
    STAGES,
    STOPPING,
    UNSEEN,
    Action,
    Create,
    Delete,
    Gone,
    Held,
    Kill,
    Kind,
    Look,
    Note,
    Phase,
    Report,
    Seen,
    Stage,
    State,
    Stop,
    free,
    plan,
)

NOW = 1000.0
WANTED, MADE, BEGUN = Phase.WANTED, Phase.MADE, Phase.RUNNING
PENDING, RUNNING, ENDED = State.PENDING, State.RUNNING, State.ENDED


def held(phase: Phase, age: float = 0.0, cancelled: float | None = None) -> Held:
    return Held("a", 3, phase, NOW - age, None if cancelled is None else NOW - cancelled)


def said(action: Action | None) -> str:
    """Name an action, and of a report what it says."""
    if isinstance(action, Report):
        return action.reason or action.kind
    return type(action).__name__.lower() if action else "nothing"


CASES = [
    (held(WANTED), None, "create"),
    (held(WANTED), PENDING, "create"),
    (held(WANTED), ENDED, "delete"),
    (held(WANTED, CREATING), None, "released"),
    (held(WANTED, cancelled=0), None, "released"),
    (held(WANTED, cancelled=0), PENDING, "released"),
    (held(MADE), None, "nothing"),
    (held(MADE, UNSEEN), None, Reason.RUNNER_GONE),
    (held(MADE, 10 * UNSEEN), PENDING, "nothing"),
    (held(MADE), ENDED, Reason.RUNNER_ENDED),
    (held(MADE, cancelled=CANCELLING), PENDING, "stop"),
    (held(BEGUN), None, Reason.RUNNER_GONE),
    (held(BEGUN, 1e6), RUNNING, "nothing"),
    (held(BEGUN, cancelled=0), RUNNING, "nothing"),
    (held(BEGUN, cancelled=CANCELLING), RUNNING, "stop"),
    (held(BEGUN, cancelled=CANCELLING)._replace(stopped=True), RUNNING, "nothing"),
    (held(BEGUN), ENDED, Reason.RUNNER_ENDED),
]


@pytest.mark.parametrize(("item", "state", "expected"), CASES)
def test_what_is_held_is_made_watched_and_given_up(
    item: Held, state: State | None, expected: str
) -> None:
    seen = [] if state is None else [Seen("a", state)]
    found = plan([item], seen, [], NOW)
    assert len(found) <= 1
    assert said(found[0] if found else None) == expected


GONE = [
    (Gone("a", NOW), None, "nothing"),
    (Gone("a", NOW), ENDED, "delete"),
    (Gone("a", NOW + 1), ENDED, "nothing"),
    (Gone("a", NOW + 1), RUNNING, "nothing"),
    (Gone("a", NOW), RUNNING, "nothing"),
    (Gone("a", NOW - LEAVING), RUNNING, "stop"),
    (Gone("a", NOW - LEAVING), PENDING, "stop"),
    (Gone("a", NOW - 99, stopped=NOW - 1), RUNNING, "nothing"),
    (Gone("a", NOW - 99, stopped=NOW - STOPPING), RUNNING, "kill"),
    (Gone("a", NOW - 99, stopped=NOW - 1), ENDED, "delete"),
]


@pytest.mark.parametrize(("item", "state", "expected"), GONE)
def test_what_is_over_leaves_by_itself_or_is_stopped_then_killed_then_deleted(
    item: Gone, state: State | None, expected: str
) -> None:
    seen = [] if state is None else [Seen("a", state)]
    found = plan([], seen, [item], NOW)
    assert said(found[0] if found else None) == expected


def test_an_ended_runner_may_close_before_it_is_removed_but_not_for_long() -> None:
    seen = [Seen("a", ENDED, 1.0, closing=True)]
    assert plan([], seen, [Gone("a", NOW - CLOSING + 1)], NOW) == ()
    assert plan([], seen, [Gone("a", NOW - CLOSING)], NOW) == (Delete("a"),)


def test_only_some_are_gone_into_where_nothing_changed_for_the_others() -> None:
    both = [held(MADE), held(MADE)._replace(attempt="b")]
    seen = [Seen("a", ENDED), Seen("b", ENDED), Seen("c", ENDED), Seen("d", ENDED)]
    gone = [Gone("c", NOW), Gone("d", NOW)]
    assert {each.attempt for each in plan(both, seen, gone, NOW, {"b", "c"})} == {"b", "c"}


@pytest.mark.parametrize("state", list(State))
def test_a_runner_nobody_was_asked_about_yet_is_left_alone(state: State) -> None:
    assert plan([], [Seen("a", state)], [], NOW) == ()


def test_a_report_carries_the_lease_and_the_last_words_of_the_runner() -> None:
    seen = Seen("a", ENDED, note="MemoryError")
    (report,) = plan([held(BEGUN)], [seen], [], NOW)
    expected = Report("a", 3, Kind.LOST, Reason.RUNNER_ENDED, "its runner ended: MemoryError")
    assert report == expected


NO_IMAGE = Note("stuck", "box", "there is no such image", Reason.IMAGE_UNAVAILABLE, permanent=True)
DEAD = Note("service-ended", "db", "the service db ended", Reason.SERVICE_ENDED)


@pytest.mark.parametrize(
    ("seen", "reason", "permanent"),
    [
        (Seen("a", ENDED, 1.0, notes=(DEAD, NO_IMAGE)), Reason.IMAGE_UNAVAILABLE, True),
        (Seen("a", ENDED, 1.0, reason=Reason.EVICTED, notes=(NO_IMAGE,)), NO_IMAGE.reason, True),
        (Seen("a", ENDED, 1.0, reason=Reason.EVICTED, notes=(DEAD,)), Reason.EVICTED, False),
        (Seen("a", ENDED, 1.0), Reason.RUNNER_ENDED, False),
        # Our own image is nothing that a user could mend.
        (Seen("a", PENDING, reason=Reason.IMAGE_UNAVAILABLE), Reason.IMAGE_UNAVAILABLE, False),
    ],
)
def test_what_would_happen_again_is_reported_as_that(
    seen: Seen, reason: Reason, permanent: bool
) -> None:
    item = held(BEGUN)._replace(looked=True)
    (report,) = plan([item], [seen], [], NOW)
    assert isinstance(report, Report)
    assert (report.kind, report.reason, report.permanent) == (Kind.LOST, reason, permanent)
    assert not permanent or report.message == NO_IMAGE.text


def test_several_attempts_are_planned_together() -> None:
    items = [held(WANTED), held(BEGUN)._replace(attempt="b")]
    seen = [Seen("b", RUNNING), Seen("c", RUNNING), Seen("d", ENDED)]
    gone = [Gone("c", NOW - 99, stopped=NOW - 99), Gone("d", NOW)]
    assert plan(items, seen, gone, NOW) == (Create("a"), Kill("c"), Delete("d"))


def test_a_stop_that_was_done_is_not_said_again() -> None:
    gone = Gone("a", NOW - LEAVING)
    assert plan([], [Seen("a", RUNNING)], [gone], NOW) == (Stop("a"),)
    assert plan([], [Seen("a", RUNNING)], [gone._replace(stopped=NOW)], NOW) == ()


def test_what_is_held_or_has_not_ended_takes_a_slot_and_never_two() -> None:
    seen = [Seen("a", RUNNING), Seen("b", PENDING), Seen("c", ENDED)]
    assert free(4, [held(BEGUN)], seen) == 2
    assert free(1, [held(BEGUN)], seen) == 0
    assert free(4, [], []) == 4


def _stuck(age: float, *, neighbour: float | None, node: str = "n1") -> str:
    """Say what follows for a runner that was placed *age* ago, beside one that went on since."""
    late = Held("a", 3, MADE, NOW - age, stage=Stage.PLACED, entered=NOW - age, looked=True)
    all_held = [late]
    seen = [Seen("a", PENDING, stage=Stage.PLACED, node="n1")]
    if neighbour is not None:
        began = NOW - neighbour
        all_held.append(Held("b", 1, BEGUN, began, stage=Stage.RUNNING, entered=began))
        seen.append(Seen("b", RUNNING, began, stage=Stage.RUNNING, node=node))
    return said(next((each for each in plan(all_held, seen, (), NOW) if each.attempt == "a"), None))


def test_a_runner_that_was_placed_begins_in_time_unless_its_node_is_sick() -> None:
    most = STAGES[Stage.PLACED]
    assert _stuck(most - 1, neighbour=None) == "nothing"
    assert _stuck(most, neighbour=None) == Reason.NEVER_STARTED
    assert _stuck(most, neighbour=most + 5) == Reason.NEVER_STARTED


def test_a_node_that_begins_other_runners_is_waited_for_but_not_for_ever() -> None:
    most = STAGES[Stage.PLACED]
    assert _stuck(2 * most, neighbour=1) == "nothing"
    assert _stuck(2 * most, neighbour=most) == Reason.NEVER_STARTED
    assert _stuck(2 * most, neighbour=1, node="n2") == Reason.NEVER_STARTED
    assert _stuck(BUSY + most, neighbour=1) == Reason.NEVER_STARTED


LASTING = [Stage.PLACED, Stage.PULLING, Stage.PREPARED]


@pytest.mark.parametrize("stage", LASTING)
def test_a_stage_that_lasts_too_long_is_looked_at_anew_and_then_given_up(stage: Stage) -> None:
    most = STAGES[stage]
    seen = [Seen("a", PENDING, note="PLEG is not healthy", stage=stage, node="n1")]
    late = Held("a", 3, MADE, NOW - most, stage=stage, entered=NOW - most)
    assert plan([late._replace(entered=NOW - most + 1)], seen, [], NOW) == ()
    assert plan([late], seen, [], NOW) == (Look("a"),)
    (report,) = plan([late._replace(looked=True)], seen, [], NOW)
    assert isinstance(report, Report)
    assert (report.kind, report.reason) == (Kind.LOST, Reason.NEVER_STARTED)
    assert report.message.startswith("node n1 ")
    assert report.message.endswith("PLEG is not healthy")


def test_what_waits_for_a_place_or_prepares_may_take_its_time() -> None:
    for stage in set(Stage) - set(LASTING):
        long_ago = Held("a", 3, MADE, 0.0, stage=stage, entered=0.0, looked=True)
        assert plan([long_ago], [Seen("a", PENDING, stage=stage)], [], 1e9) == ()


def test_what_will_never_begin_is_given_up_with_its_reason() -> None:
    hopeless = Seen("a", PENDING, note="no such image", reason=Reason.IMAGE_UNAVAILABLE)
    known = held(MADE)._replace(looked=True)
    (report,) = plan([known], [hopeless], [], NOW)
    assert (said(report), report.message) == (Reason.IMAGE_UNAVAILABLE, "no such image")  # type: ignore[union-attr]


def test_what_others_hold_and_what_is_being_removed_takes_no_slot() -> None:
    seen = [Seen("a", RUNNING), Seen("b", RUNNING), Seen("c", RUNNING, leaving=True)]
    assert free(3, [], seen, {"b"}) == 2
