"""What a worker remembers when answers come late, doubled, or say no."""

from __future__ import annotations

from steersman.core.runners import Create, Gone, Held, Phase, Seen, State
from steersman.worker import holds
from steersman.worker.holds import NOTHING, REFUSED, Asked, Grant, Holds

NOW = 1000.0


def running(name: str) -> Seen:
    return Seen(name, State.RUNNING, NOW)


def holding(lease: int = 2) -> Holds:
    return holds.granted(NOTHING, Grant("a", lease), NOW)


def test_a_grant_that_comes_twice_or_late_changes_nothing() -> None:
    known = holding(lease=2)
    assert holds.granted(known, Grant("a", 2), NOW + 5) is known
    assert holds.granted(known, Grant("a", 1), NOW + 5) is known


def test_a_newer_grant_keeps_what_is_known_of_the_runner() -> None:
    known = holds.done(holding(lease=2), Create("a"), NOW)
    assert holds.granted(known, Grant("a", 3), NOW + 5).held["a"] == Held("a", 3, Phase.MADE, NOW)


def test_a_refusal_of_an_older_lease_does_not_touch_a_newer() -> None:
    known = holding(lease=3)
    assert holds.renewed(known, Asked({"a": 2}, frozenset()), (), ("a",), NOW) == known


def test_a_refusal_of_the_lease_we_have_lets_go_of_it() -> None:
    known = holds.renewed(holding(2), Asked({"a": 2}, frozenset()), (), ("a",), NOW)
    assert (known.held, known.gone) == ({}, {"a": Gone("a", NOW)})


def test_a_found_runner_that_is_refused_is_asked_for_again_before_it_is_ended() -> None:
    found = holds.observed(NOTHING, [running("a")], NOW)
    refused = holds.renewed(found, Asked({}, frozenset("a")), (), ("a",), NOW)
    again = holds.renewed(refused, Asked({}, frozenset("a")), (), ("a",), NOW + 10)
    assert again.gone == {"a": Gone("a", NOW + REFUSED)}
    assert again.found(NOW + REFUSED - 1) == {"a"}
    assert again.found(NOW + REFUSED) == set()


def test_what_was_refused_once_and_given_later_is_held() -> None:
    found = holds.observed(NOTHING, [running("a")], NOW)
    refused = holds.renewed(found, Asked({}, frozenset("a")), (), ("a",), NOW)
    known = holds.granted(refused, Grant("a", 4, found=True), NOW + 10)
    assert known.held["a"].phase is Phase.RUNNING
    assert known.gone == {}


def test_a_found_runner_that_never_ran_is_made_whole() -> None:
    half = holds.observed(NOTHING, [Seen("a", State.PENDING)], NOW)
    assert holds.granted(half, Grant("a", 2, found=True), NOW).held["a"].phase is Phase.WANTED


def test_a_found_runner_that_ran_is_not_made_again() -> None:
    ended = holds.observed(NOTHING, [Seen("a", State.ENDED, started=NOW)], NOW)
    assert holds.granted(ended, Grant("a", 2, found=True), NOW).held["a"].phase is Phase.MADE


def test_a_cancellation_is_noted_once() -> None:
    about = Asked({"a": 2}, frozenset())
    known = holds.renewed(holding(2), about, ("a",), (), NOW)
    later = holds.renewed(known, about, ("a",), (), NOW + 10)
    assert later.held["a"].cancelled == NOW


def test_the_server_hears_at_once_of_found_runners_and_of_what_others_wait_for() -> None:
    waiting = Seen("a", State.PENDING, note="pulling node:20", placed=False)
    known = holds.observed(holding(), [waiting, running("b")], NOW)
    told = {name: holds.telling(known, name) for name in known.seen}
    assert told == {"a": ("a", "pulling node:20", "False"), "b": None}
    assert known.found(NOW) == {"b"}


def test_what_is_seen_as_before_stays_the_very_same() -> None:
    known = holds.observed(holds.granted(holding(), Grant("b", 1), NOW), [running("a")], NOW)
    seen = [known.seen["a"], running("b")]
    later = holds.observed(known, seen, NOW + 5)
    assert later.held["a"] is known.held["a"]
    assert holds.changed(known, later) == {"b"}


def test_what_was_granted_after_its_runner_was_seen_is_gone_into_when_touched() -> None:
    known = holds.granted(holds.observed(NOTHING, [running("a")], NOW), Grant("a", 1), NOW)
    again = holds.observed(known, known.seen.values(), NOW + 5, {"a"})
    assert again.held["a"].phase is Phase.RUNNING
