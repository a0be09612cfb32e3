"""Everything ends some time, but nothing that is heard of."""

from __future__ import annotations

import pytest

from steersman.core.attempts import State, advance
from steersman.core.deadlines import DEFAULT, deadline, due, expire, node_was_busy
from steersman.core.reports import CancelRequested, Heartbeat, Lost, Note, Reason, Renewed
from tests.core.domain.making import attempt

CASES = [
    (State.QUEUED, DEFAULT.queued, State.ERRORED, Reason.NEVER_LEASED),
    (State.LEASED, 130 + DEFAULT.adoption, State.ERRORED, Reason.LEASE_ENDED),
    (State.RUNNING, 120 + DEFAULT.silence, State.ERRORED, Reason.RUNNER_SILENT),
    (State.CANCELLING, 120 + DEFAULT.silence, State.CANCELLED, Reason.UNCONFIRMED),
]


@pytest.mark.parametrize(("state", "at", "end", "reason"), CASES)
def test_each_wait_ends_at_its_time_and_not_before(
    state: State, at: float, end: State, reason: Reason
) -> None:
    before = attempt(state)
    assert expire(before, at - 0.1, 0.0) is before
    after = expire(before, at, 0.0)
    assert (after.state, after.reason) == (end, reason)


@pytest.mark.parametrize(("state", "at"), [case[:2] for case in CASES])
def test_silence_counts_only_while_we_were_listening(state: State, at: float) -> None:
    before = attempt(state)
    back = at + 500
    assert expire(before, back + DEFAULT.grace - 0.1, back) is before
    assert due(before, back) == back + DEFAULT.grace
    assert expire(before, back + DEFAULT.grace, back).state.is_final


def test_a_worker_that_renews_does_not_keep_a_runner_that_never_starts() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9), 130.0)
    at = 100 + DEFAULT.starting
    assert expire(leased, at - 0.1, 0.0) is leased
    assert expire(leased, at, 0.0).reason is Reason.NEVER_STARTED


def test_the_time_to_start_begins_when_there_is_a_place() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, placed=False), 5000.0)
    leased = advance(leased, Renewed(1, 1e9), 5100.0)
    found = deadline(leased)
    assert found is not None
    assert found.at == 5000 + DEFAULT.starting


def test_a_node_that_starts_nothing_costs_half_a_minute() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, placed=False), 190.0)
    leased = advance(leased, Renewed(1, 1e9, node="n1"), 200.0)
    at = 190 + DEFAULT.scheduled
    assert expire(leased, at - 0.1, 0.0) is leased
    after = expire(leased, at, 0.0)
    assert (after.state, after.reason, after.node) == (State.ERRORED, Reason.NEVER_STARTED, "n1")
    assert "on the node n1" in after.message
    # What looks every 2 s, and the first renewal after it was placed, are in it too.
    assert DEFAULT.scheduled < 45 - 2 - 10


def test_an_image_may_take_longer_and_then_the_time_to_start_begins_anew() -> None:
    pulls = (Note("pulling", "", "pulling steersman"),)
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, node="n1", notes=pulls), 130.0)
    assert expire(leased, 100 + DEFAULT.starting - 0.1, 0.0) is leased
    assert expire(leased, 100 + DEFAULT.starting, 0.0).reason is Reason.NEVER_STARTED
    came = advance(leased, Renewed(1, 1e9, notes=()), 900.0)
    assert expire(came, 900 + DEFAULT.scheduled - 0.1, 0.0) is came
    assert expire(came, 900 + DEFAULT.scheduled, 0.0).state is State.ERRORED


def test_a_node_that_starts_others_is_given_time() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, node="n1"), 130.0)
    assert node_was_busy(leased, None) is leased
    assert node_was_busy(leased, 90.0) is leased
    waits = node_was_busy(leased, 140.0)
    assert expire(waits, 140 + DEFAULT.scheduled - 0.1, 0.0) is waits
    assert expire(waits, 140 + DEFAULT.scheduled, 0.0).state is State.ERRORED
    running = attempt(State.RUNNING)
    assert node_was_busy(running, 140.0) is running


def test_no_node_is_so_busy_that_it_is_waited_for_without_end() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, node="n1"), 130.0)
    at = 100 + DEFAULT.starting
    waits = node_was_busy(leased, at - 1)
    assert expire(waits, at - 0.1, 0.0) is waits
    assert expire(waits, at, 0.0).reason is Reason.NEVER_STARTED


def test_a_doubt_ends_a_silent_runner_soon_with_its_own_reason() -> None:
    doubted = advance(attempt(State.RUNNING), Lost(1, Reason.EVICTED, "evicted"), 125.0)
    doubted = advance(doubted, Lost(1, Reason.NODE_LOST), 139.0)
    assert expire(doubted, 139.9, 0.0) is doubted
    assert expire(doubted, 140.0, 0.0).reason is Reason.EVICTED


def test_heartbeats_win_over_what_a_worker_believes() -> None:
    doubted = advance(attempt(State.RUNNING), Lost(1, Reason.NODE_LOST), 125.0)
    heard = advance(doubted, Heartbeat(1, "r"), 139.0)
    assert heard.doubt is None
    assert expire(heard, 139 + DEFAULT.silence - 0.1, 0.0) is heard


def test_a_clock_that_went_back_makes_no_heartbeat_older() -> None:
    heard = advance(attempt(State.RUNNING), Heartbeat(1, "r"), 50.0)
    assert heard.heard == 120.0


def test_a_runner_that_ignores_its_time_limit_is_ended_as_the_users() -> None:
    running = attempt(State.RUNNING)._replace(limit=600.0, heard=1e9)
    at = 110 + 600 + DEFAULT.overtime
    assert expire(running, at - 0.1, 0.0) is running
    after = expire(running, at, 0.0)
    assert (after.state, after.reason) == (State.FAILED, Reason.TIMED_OUT)


def test_what_still_dies_is_cancelling_as_long_as_it_reports_but_not_for_ever() -> None:
    dying = advance(attempt(State.RUNNING), CancelRequested(), 200.0)
    for now in range(210, 800, 10):
        dying = advance(dying, Heartbeat(1, "r"), float(now))
        assert expire(dying, float(now), 0.0) is dying
    assert expire(dying, 200 + DEFAULT.cancelling, 0.0).state is State.CANCELLED


def test_a_doubt_ends_what_is_being_cancelled_with_the_reason_asked_for() -> None:
    dying = advance(attempt(State.RUNNING), CancelRequested(Reason.SUPERSEDED), 121.0)
    dying = advance(dying, Lost(1), 122.0)
    after = expire(dying, 122 + DEFAULT.doubt, 0.0)
    assert (after.state, after.reason) == (State.CANCELLED, Reason.SUPERSEDED)


def test_waiting_for_a_place_ends_with_the_time_in_the_queue() -> None:
    leased = advance(attempt(State.LEASED), Renewed(1, 1e9, placed=False), DEFAULT.queued)
    assert expire(leased, DEFAULT.queued, 0.0).reason is Reason.NEVER_LEASED
