"""The state machine of an attempt: every event in every state."""

from __future__ import annotations

import itertools

import pytest

from steersman.core import attempts, deadlines
from steersman.core.attempts import Hearing, State, advance, hear
from steersman.core.leases import grant, may_adopt
from steersman.core.reports import (
    EVENTS,
    CancelRequested,
    Event,
    Failed,
    Heartbeat,
    Leased,
    Lost,
    Note,
    Reason,
    Rejected,
    Released,
    Renewed,
    Started,
    Stopped,
    Succeeded,
)
from tests.core.domain.making import NOW, attempt, event

Q, L, R, C = State.QUEUED, State.LEASED, State.RUNNING, State.CANCELLING
OK, BAD, ERR, END = State.SUCCEEDED, State.FAILED, State.ERRORED, State.CANCELLED
# Written down a second time on purpose, and by eye: an arrow that moves must be moved here too.
# In the order of EVENTS; the cancelling attempt has a runner, so Released and Rejected are void.
EXPECTED = {
    Q: (L, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, END),
    L: (L, L, L, Q, BAD, ERR, R, R, OK, BAD, ERR, ERR, C),
    R: (R, R, R, R, R, R, R, R, OK, BAD, ERR, ERR, C),
    C: (C, C, C, C, C, C, C, C, END, END, END, END, C),
    **{state: (state,) * 13 for state in (OK, BAD, ERR, END)},
}
PAIRS = list(itertools.product(State, EVENTS))


@pytest.mark.parametrize(("state", "kind"), PAIRS)
def test_every_event_in_every_state_leads_where_it_should(state: State, kind: type[Event]) -> None:
    lease = 0 if state is Q else 1
    after = advance(attempt(state), event(kind, lease=lease), NOW)
    assert after.state is EXPECTED[state][EVENTS.index(kind)]


@pytest.mark.parametrize(("state", "kind"), PAIRS)
def test_who_was_replaced_changes_nothing(state: State, kind: type[Event]) -> None:
    before = attempt(state)._replace(leases=5)
    before = before._replace(lease=before.lease and before.lease._replace(number=5))
    for stale in (event(kind, lease=3, number=2), event(kind, lease=7, number=0)):
        if not isinstance(stale, CancelRequested):
            assert advance(before, stale, NOW) is before
            assert hear(before, stale) is Hearing.FENCED


@pytest.mark.parametrize(("state", "kind"), [p for p in PAIRS if p[0] in (R, C)])
def test_a_second_runner_of_an_attempt_is_fenced(state: State, kind: type[Event]) -> None:
    other = event(kind, runner="other")
    if hasattr(other, "runner"):
        assert hear(attempt(state), other) is Hearing.FENCED
        assert advance(attempt(state), other, NOW) == attempt(state)


@pytest.mark.parametrize(("state", "kind"), [p for p in PAIRS if p[0].is_final])
def test_a_final_attempt_absorbs_everything(state: State, kind: type[Event]) -> None:
    before = attempt(state)
    assert advance(before, event(kind), NOW) is before
    assert deadlines.expire(before, 1e12, 0.0) is before
    assert deadlines.deadline(before) is None


def test_only_the_runners_record_makes_green() -> None:
    for state, kind in PAIRS:
        if not state.is_final and kind is not Succeeded:
            assert advance(attempt(state), event(kind), NOW).state is not OK
    for state in State:
        if not state.is_final:
            expired = deadlines.expire(attempt(state), 1e12, 0.0)
            assert expired.state in (BAD, ERR, END)


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_told_twice_is_as_one(kind: type[Event]) -> None:
    for state in State:
        once = advance(attempt(state), event(kind), NOW)
        assert advance(once, event(kind), NOW) == once


def test_a_record_sent_again_is_acknowledged_and_a_heartbeat_is_told_to_stop() -> None:
    over = advance(attempt(R), Succeeded(1, "r"), NOW)
    assert hear(over, Succeeded(1, "r")) is Hearing.KNOWN
    assert hear(over, Failed(1, "other")) is Hearing.FENCED
    assert hear(over, Heartbeat(1, "r")) is Hearing.FENCED
    assert hear(over, CancelRequested()) is Hearing.KNOWN


def test_started_after_its_heartbeat_is_known() -> None:
    running = advance(attempt(L), Heartbeat(1, "r"), NOW)
    assert (running.runner, running.started, running.state) == ("r", NOW, R)
    assert hear(running, Started(1, "r")) is Hearing.KNOWN
    assert advance(running, Renewed(1, NOW + 90), NOW) is running


def test_a_lease_given_back_is_given_anew_with_a_higher_number() -> None:
    back = advance(attempt(L), Released(1), NOW)
    assert (back.state, back.lease) == (Q, None)
    assert hear(back, Leased(1, "w", NOW + 30)) is Hearing.FENCED
    assert advance(back, Leased(2, "w", NOW + 30), NOW).leases == 2
    assert hear(back, Started(1, "r")) is Hearing.FENCED


def test_cancelling_without_a_runner_ends_when_the_worker_says_there_is_none() -> None:
    for end in (Released(1), Rejected(1), Lost(1)):
        cancelling = advance(attempt(L), CancelRequested(), NOW)
        assert cancelling.state is C
        over = advance(cancelling, end, NOW)
        assert (over.state, over.reason) == (END, Reason.REQUESTED)


def test_success_after_a_cancel_is_cancelled_but_says_so() -> None:
    over = advance(advance(attempt(R), CancelRequested(), NOW), Succeeded(1, "r"), NOW)
    assert over.state is END
    assert over.message == "its steps had already succeeded"


def test_a_runner_that_stopped_unasked_is_ours_to_mend() -> None:
    assert advance(attempt(R), Stopped(1, "r"), NOW).reason is Reason.INTERRUPTED


def test_what_a_worker_says_while_preparing_is_kept_until_the_runner_speaks() -> None:
    pulling = advance(attempt(L), Renewed(1, NOW + 30, note="pulling node:20"), NOW)
    assert pulling.message == "pulling node:20"
    assert pulling.lease is not None
    assert pulling.lease.until == NOW + 30
    held = advance(pulling, Renewed(1, 1e9, note="pulling node:20"), NOW)
    assert "pulling node:20" in deadlines.expire(held, NOW + 5000, 0.0).message
    assert advance(pulling, Renewed(1, NOW), NOW).lease == pulling.lease
    assert advance(pulling, Started(1, "r"), NOW).message == ""


def test_leases_count_up_and_are_adopted_by_rule() -> None:
    lease = grant("w", after=4, now=100.0)
    assert (lease.number, lease.until) == (5, 130.0)
    assert not may_adopt(lease, "v", 129.9, started=False, holder_gone=False)
    assert may_adopt(lease, "v", 130.0, started=False, holder_gone=False)
    assert not may_adopt(lease, "v", 999.0, started=True, holder_gone=False)
    assert may_adopt(lease, "v", 101.0, started=True, holder_gone=True)
    assert may_adopt(lease, "w", 101.0, started=True, holder_gone=False)


def test_reasons_of_a_report_are_kept() -> None:
    lost = advance(attempt(L), Lost(1, Reason.NODE_LOST, "node n1 is gone"), NOW)
    assert (lost.reason, lost.message, lost.lease) == (Reason.NODE_LOST, "node n1 is gone", None)
    assert attempts.advance(attempt(L), Rejected(1, "two on a port"), NOW).message


PULLS = Note("pulling", "box", "pulling node:20")


@pytest.mark.parametrize("state", [L, R, C])
def test_what_is_seen_of_a_pod_is_noted_for_as_long_as_it_is_held(state: State) -> None:
    seen = advance(attempt(state), Renewed(1, NOW, node="n1", notes=(PULLS,)), NOW)
    assert (seen.node, seen.notes, seen.state) == ("n1", (PULLS,), state)
    silent = advance(seen, Renewed(1, NOW), NOW)
    assert (silent.node, silent.notes) == ("n1", (PULLS,))
    assert advance(seen, Renewed(1, NOW, notes=()), NOW).notes == ()


def test_a_lease_is_renewed_by_its_worker_only_until_the_runner_speaks() -> None:
    running = attempt(R)
    seen = advance(running, Renewed(1, 1e9, node="n1", note="pulling"), NOW)
    assert (seen.lease, seen.placed, seen.message) == (running.lease, running.placed, "")


def test_another_try_to_place_it_begins_without_what_was_seen_before() -> None:
    seen = advance(attempt(L), Renewed(1, NOW, node="n1", notes=(PULLS,)), NOW)
    back = advance(seen, Released(1), NOW)
    assert (back.node, back.notes) == (None, ())
    over = advance(seen, Lost(1, Reason.NODE_LOST), NOW)
    assert (over.node, over.notes) == ("n1", ())


def test_a_loss_that_would_happen_again_is_the_users_to_mend() -> None:
    lost = Lost(1, Reason.IMAGE_UNAVAILABLE, "no such image", permanent=True, node="n2")
    ended = advance(attempt(L), lost, NOW)
    assert (ended.state, ended.reason, ended.node) == (BAD, Reason.IMAGE_UNAVAILABLE, "n2")
    doubted = advance(attempt(R), lost, 125.0)
    assert doubted.state is R
    after = deadlines.expire(doubted, 125 + deadlines.DEFAULT.doubt, 0.0)
    assert (after.state, after.reason) == (BAD, Reason.IMAGE_UNAVAILABLE)
    assert advance(attempt(C), lost, NOW).state is C
