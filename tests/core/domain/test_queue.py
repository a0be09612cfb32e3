"""Who is next, that nobody starves, and what is said to those who wait."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import concurrency, queue
from steersman.core.concurrency import Member, Turn, turn
from steersman.core.queue import Lane, Standing, Waiting, Worker, choose

POOL = frozenset({"default"})
WORKER = Worker("w1", POOL)
LANE = Lane("p", "default")


def waiting(id_: int, project: str = "p", *, at: float = 0.0, priority: int = 0) -> Waiting:
    return Waiting(id_, Lane(project, "default"), at, priority)


def test_the_older_goes_first_and_a_point_of_priority_is_worth_a_minute() -> None:
    old, new = waiting(1, at=0.0), waiting(2, at=59.0, priority=1)
    assert choose([old, new], WORKER, {}, {}) is new
    later = waiting(3, at=61.0, priority=1)
    assert choose([later, old], WORKER, {}, {}) is old


def test_equals_go_by_age() -> None:
    assert choose([waiting(2), waiting(1)], WORKER, {}, {}) == waiting(1)


def test_the_project_with_the_smaller_share_goes_first_whatever_its_priority() -> None:
    big, small = waiting(1, "big", priority=100), waiting(2, "small", at=9e5)
    held = {("big", "default"): 1.0}
    assert choose([big, small], WORKER, held, {}) is small
    assert choose([big, small], WORKER, {**held, ("small", "default"): 1.0}, {"big": 2}) is big


def test_what_is_held_in_another_pool_costs_nothing() -> None:
    heads = [waiting(1, "a"), waiting(2, "b")]
    assert choose(heads, WORKER, {("a", "gpu"): 9.0}, {}) is heads[0]


def test_what_no_worker_can_do_holds_up_nobody() -> None:
    heads = [
        Waiting(1, Lane("p", "gpu"), 0.0),
        Waiting(2, Lane("p", "default", frozenset({"docker"})), 1.0),
        Waiting(3, LANE, 2.0),
    ]
    assert choose(heads, WORKER, {}, {}) is heads[2]
    able = WORKER._replace(capabilities=frozenset({"docker", "kvm"}))
    assert choose(heads, able, {}, {}) is heads[1]
    assert choose(heads, WORKER._replace(paused=True), {}, {}) is None


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-100, 100), st.integers(1, 3)), max_size=60),
    st.integers(1, 3),
)
def test_nobody_starves_under_any_arrivals(
    arrivals: list[tuple[int, int, int]], slots: int
) -> None:
    """One victim of the lowest priority; others arrive at every moment, as urgent as can be."""
    queued = [waiting(0, "p0", priority=-100)]
    running: list[tuple[int, str]] = []
    for tick in range(1200):
        project, priority, length = arrivals[tick % len(arrivals)] if arrivals else (0, 100, 1)
        now = tick * 60.0
        queued += [waiting(tick * 3 + n + 1, f"p{project}", at=now, priority=priority)
                   for n in range(2)]  # fmt: skip
        running = [(left - 1, name) for left, name in running if left > 1]
        while len(running) < slots:
            held = Counter((name, "default") for _, name in running)
            heads = first_of_lanes(queued)
            chosen = choose(heads, WORKER, {key: float(n) for key, n in held.items()}, {})
            if chosen is None:
                break
            queued.remove(chosen)
            running.append((length, chosen.lane.project))
            if chosen.id == 0:
                return
    raise AssertionError("starved")


def first_of_lanes(queued: list[Waiting]) -> list[Waiting]:
    heads: dict[Lane, Waiting] = {}
    for each in queued:
        best = heads.get(each.lane)
        if best is None or (each.rank, each.id) < (best.rank, best.id):
            heads[each.lane] = each
    return list(heads.values())


@pytest.mark.parametrize(
    ("workers", "standing", "sentence"),
    [
        ([], Standing(0, 1, 0), "no worker serves the pool default"),
        ([WORKER._replace(paused=True)], Standing(0, 1, 0),
         "every worker that could take it is paused: w1"),
        ([WORKER], Standing(0, 1, 0),
         "number 1 of 1 in the queue of pool default: a worker is about to take it"),
        ([WORKER], Standing(2, 7, 1, 120.0),
         "number 3 of 7 in the queue of pool default: all 1 slots are busy; about 6 minutes to go"),
        ([WORKER], Standing(2, 17, 0, 10.0),
         "number 3 of 17 in the queue of pool default: others go first; less than a minute to go"),
        ([WORKER], Standing(0, 1, 1),
         "number 1 of 1 in the queue of pool default: all 1 slots are busy"),
        ([WORKER], Standing(0, 1, 0, blocked=concurrency.why("prod", "run 7")),
         "waits for run 7, which holds the concurrency group prod"),
    ],
)  # fmt: skip
def test_why_it_waits_is_one_sentence(
    workers: list[Worker], standing: Standing, sentence: str
) -> None:
    assert queue.why(LANE, workers, standing) == sentence


def test_what_no_worker_offers_is_named() -> None:
    lane = Lane("p", "default", frozenset({"docker", "kvm"}))
    some = WORKER._replace(capabilities=frozenset({"docker"}))
    said = queue.why(lane, [WORKER, some], Standing(0, 1, 0))
    assert said == "no worker of the pool default offers kvm with all else it needs"
    big = WORKER._replace(pools=frozenset({"big"}), capabilities=lane.needs)
    assert queue.why(lane, [WORKER, big], Standing(0, 1, 0)).endswith("; workers of big do")


def test_what_a_worker_does_before_the_runner_starts_is_said_once() -> None:
    assert queue.prepares("w", None, ["", ""]) == "the worker w prepares it"
    seen = ["pulling node:20", "pulling node:20", "no room"]
    said = "the worker w prepares it on the node n1: pulling node:20; no room"
    assert queue.prepares("w", "n1", seen) == said


def test_hours_are_said_as_hours() -> None:
    said = queue.why(LANE, [WORKER], Standing(9, 10, 1, 3600.0))
    assert said.endswith("about 10 hours to go")


def test_a_place_in_the_queue_counts_the_turns_of_other_projects() -> None:
    assert queue.ahead(0, 0, []) == 0
    assert queue.ahead(0, 0, [(1000, 4)]) == 0
    assert queue.ahead(0, 0, [(1000, 0), (1000, 0)]) == 2
    assert queue.ahead(3, 1, [(2, 0), (1000, 0)]) == 3 + 2 + 5


def test_one_of_a_group_is_active_and_the_oldest_is_next() -> None:
    members = [Member("b", 2), Member("a", 1), Member("c", 3)]
    assert turn(members) == Turn("a")
    assert turn([Member("b", 2, active=True), Member("a", 1)]) == Turn("b")
    assert turn([]) == Turn(None)


def test_a_newer_member_cancels_and_waits_until_the_old_has_ended() -> None:
    old, newer = Member("a", 1, active=True), Member("b", 2, cancels=True)
    assert turn([old, newer]) == Turn("a", ("a",))
    assert turn([old._replace(cancelling=True), newer]) == Turn("a")
    assert turn([newer]) == Turn("b")


def test_what_was_superseded_before_it_began_does_not_begin() -> None:
    assert turn([Member("a", 1), Member("b", 2, cancels=True)]) == Turn("b", ("a",))
    assert turn([Member("a", 1, cancelling=True), Member("b", 2)]) == Turn("b")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8))
def test_a_group_never_blocks_itself(flags: list[tuple[bool, bool]]) -> None:
    members = [Member(str(n), n, cancelling=c, cancels=x) for n, (c, x) in enumerate(flags)]
    while members:
        said = turn(members)
        leaving = {*said.cancel, *(each.id for each in members if each.cancelling)}
        assert said.admitted is not None or leaving
        gone = leaving or {said.admitted or ""}
        members = [each for each in members if each.id not in gone]
