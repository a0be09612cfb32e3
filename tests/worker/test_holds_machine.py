"""A worker's memory against everything that happens to it: nothing is left over in the end.

Grants come doubled and late, answers get lost, runners die and vanish, actions fail half-way, and
the worker forgets everything when it starts again.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from steersman.core.runners import (
    Action,
    Create,
    Delete,
    Kill,
    Kind,
    Look,
    Report,
    Seen,
    Stage,
    State,
    Stop,
    plan,
)
from steersman.worker import holds
from steersman.worker.holds import Asked, Grant

LEASE = 30.0


@dataclass
class Attempt:
    """What the server knows."""

    lease: int = 0
    until: float = 0.0
    state: str = "queued"
    holder: str = ""
    cancelled: bool = False
    released: bool = False

    @property
    def is_open(self) -> bool:
        return self.state != "ended"


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.server: dict[str, Attempt] = {}
        self.world: dict[str, Seen] = {}
        self.holds = holds.NOTHING
        self.post: list[Grant] = []
        self.answers: list[tuple[Asked, set[str], set[str], set[str]]] = []
        self.created: list[tuple[str, int]] = []

    # The server

    @precondition(lambda self: len(self.server) < 4)
    @rule()
    def something_is_queued(self) -> None:
        self.server[f"a{len(self.server)}"] = Attempt()

    @rule(lost=st.booleans())
    def the_worker_asks_for_work(self, lost: bool) -> None:
        for grant in self.lease():
            self.post.append(grant)
            if not lost:
                self.holds = holds.granted(self.holds, grant, self.now)

    def lease(self) -> list[Grant]:
        return [
            self.grant(name)
            for name, each in self.server.items()
            if each.state == "queued" or (each.state == "leased" and each.until <= self.now)
        ]

    def grant(self, name: str, *, found: bool = False) -> Grant:
        attempt = self.server[name]
        attempt.lease += 1
        attempt.until = self.now + LEASE
        attempt.holder = "us"
        attempt.state = "leased" if attempt.state == "queued" else attempt.state
        return Grant(name, attempt.lease, attempt.cancelled, found)

    @precondition(lambda self: self.post)
    @rule(data=st.data())
    def a_grant_comes_again(self, data: st.DataObject) -> None:
        grant = data.draw(st.sampled_from(self.post))
        if self.server[grant.attempt].lease == grant.lease and self.open(grant.attempt):
            self.holds = holds.granted(self.holds, grant, self.now)

    def open(self, name: str) -> bool:
        return self.server[name].is_open

    @rule(makes=st.booleans())
    def another_worker_takes_what_is_free(self, makes: bool) -> None:
        for name, attempt in self.server.items():
            ended = attempt.state in ("leased", "running") and attempt.until <= self.now
            if attempt.state == "queued" or ended:
                attempt.lease += 1
                attempt.until = self.now + LEASE
                attempt.holder = "them"
                attempt.state = "leased" if attempt.state == "queued" else attempt.state
                if makes and name not in self.world:
                    self.world[name] = Seen(name, State.PENDING, stage=Stage.PLACED)

    @rule(late=st.booleans())
    def the_worker_renews(self, late: bool) -> None:
        about = holds.asked(self.holds, self.now)
        stop: set[str] = set()
        gone: set[str] = set()
        others: set[str] = set()
        adopted = []
        for name, lease in about.leases.items():
            attempt = self.server[name]
            if not attempt.is_open or attempt.lease != lease:
                (others if attempt.is_open else gone).add(name)
                continue
            attempt.until = self.now + LEASE
            if attempt.cancelled:
                stop.add(name)
        for name in about.found:
            attempt = self.server[name]
            free = attempt.holder == "us" or attempt.until <= self.now
            if attempt.is_open and attempt.state != "queued" and free:
                adopted.append(self.grant(name, found=True))
            else:
                (others if attempt.is_open else gone).add(name)
        if late:
            self.answers.append((about, stop, gone, others))
            return
        self.hear(about, stop, gone, others)
        for grant in adopted:
            self.holds = holds.granted(self.holds, grant, self.now)

    @precondition(lambda self: self.answers)
    @rule()
    def an_answer_comes_late(self) -> None:
        self.hear(*self.answers.pop())

    def hear(self, about: Asked, stop: set[str], gone: set[str], others: set[str]) -> None:
        self.holds = holds.renewed(self.holds, about, stop, gone, self.now)
        self.holds = holds.anothers(self.holds, about, others, self.now)

    @precondition(lambda self: self.server)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        attempt = self.server[data.draw(st.sampled_from(sorted(self.server)))]
        attempt.cancelled = True
        attempt.state = "ended" if attempt.state == "queued" else attempt.state

    @rule()
    def the_server_misses_heartbeats(self) -> None:
        for name, attempt in self.server.items():
            if attempt.state == "running" and name not in self.those(State.RUNNING):
                attempt.state = "ended"

    # The cluster

    def those(self, *states: State) -> list[str]:
        return sorted(name for name, each in self.world.items() if each.state in states)

    @precondition(lambda self: self.those(State.PENDING))
    @rule(data=st.data())
    def a_runner_begins(self, data: st.DataObject) -> None:
        self.begin(data.draw(st.sampled_from(self.those(State.PENDING))))

    def begin(self, name: str) -> None:
        self.world[name] = Seen(name, State.RUNNING, self.now, stage=Stage.RUNNING)
        if self.server[name].state == "leased":
            self.server[name].state = "running"

    @precondition(lambda self: self.those(State.RUNNING))
    @rule(data=st.data(), record=st.booleans())
    def a_runner_ends(self, data: st.DataObject, record: bool) -> None:
        self.end(data.draw(st.sampled_from(self.those(State.RUNNING))), record=record)

    def end(self, name: str, *, record: bool) -> None:
        self.world[name] = self.world[name]._replace(state=State.ENDED)
        if record and self.server[name].state == "running":
            self.server[name].state = "ended"

    @precondition(lambda self: self.world)
    @rule(data=st.data())
    def a_runner_vanishes(self, data: st.DataObject) -> None:
        del self.world[data.draw(st.sampled_from(sorted(self.world)))]

    @precondition(lambda self: self.those(State.PENDING))
    @rule(data=st.data())
    def a_runner_never_begins(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.those(State.PENDING))), record=False)

    # The worker

    @rule()
    def the_worker_looks(self) -> None:
        self.holds = holds.observed(self.holds, self.world.values(), self.now)

    def plan(self) -> tuple[Action, ...]:
        known = self.holds
        return plan(known.held.values(), known.seen.values(), known.gone.values(), self.now)

    @rule(data=st.data())
    def the_worker_acts_and_some_of_it_fails(self, data: st.DataObject) -> None:
        for action in self.plan():
            ends = data.draw(st.sampled_from(["well", "unseen", "not"]))
            if ends != "not":
                self.apply(action)
            if ends == "well":
                self.holds = holds.done(self.holds, action, self.now)

    @rule()
    def the_worker_acts_until_nothing_is_to_be_done(self) -> None:
        for _ in range(4):
            self.the_worker_looks()
            for action in self.plan():
                self.apply(action)
                self.holds = holds.done(self.holds, action, self.now)
        self.the_worker_looks()
        assert self.plan() == ()

    def apply(self, action: Action) -> None:
        name = action.attempt
        attempt = self.server[name]
        match action:
            case Create():
                if name not in self.world:
                    self.world[name] = Seen(name, State.PENDING, stage=Stage.PLACED)
            case Look():
                pass
            case Stop() | Kill():
                assert attempt.cancelled or not attempt.is_open
                if name in self.world:
                    self.end(name, record=True)
            case Delete():
                if name in self.world and self.world[name].state is State.ENDED:
                    del self.world[name]
            case Report(_, lease, kind):
                if attempt.is_open and attempt.lease == lease:
                    self.give_up(attempt, kind)

    def give_up(self, attempt: Attempt, kind: Kind) -> None:
        if kind is Kind.LOST or attempt.cancelled:
            attempt.state = "ended"
        elif attempt.state == "leased":
            attempt.state, attempt.released = "queued", True

    @rule()
    def the_worker_starts_again(self) -> None:
        self.holds = holds.NOTHING
        self.post, self.answers = [], []

    @rule(seconds=st.sampled_from([1.0, 12.0, 31.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_both_held_and_over(self) -> None:
        assert not self.holds.held.keys() & self.holds.gone.keys()

    def teardown(self) -> None:
        for _ in range(30):
            self.now += 20.0
            for name in self.those(State.PENDING):
                self.begin(name)
            for name in self.those(State.RUNNING):
                self.end(name, record=True)
            self.the_worker_looks()
            self.the_server_misses_heartbeats()
            self.the_worker_renews(late=False)
            self.the_worker_asks_for_work(lost=False)
            self.the_worker_acts_until_nothing_is_to_be_done()
        assert {name for name in self.server if self.open(name)} == set()
        assert self.world == {}
        assert (self.holds.held, self.holds.gone) == ({}, {})


Machine.TestCase.settings = settings(
    max_examples=max(50, settings().max_examples // 2), stateful_step_count=30, deadline=None
)
TestHolds = Machine.TestCase
