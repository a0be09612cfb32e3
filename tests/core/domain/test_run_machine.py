"""A run under free interleaving: plans, reports, cancels, expiries and adoptions in any order.

Actions of old plans are applied late and twice, messages are delivered late, doubled, reordered
or never, and our own outages move the time from which silence counts.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from steersman.core import deadlines, retries, run_changes, runs
from steersman.core.attempts import Attempt, Hearing, State, advance, hear
from steersman.core.leases import may_adopt
from steersman.core.reports import (
    Adopted,
    Errored,
    Event,
    Failed,
    Heartbeat,
    Leased,
    Lost,
    Note,
    Rejected,
    Released,
    Renewed,
    Started,
    Stopped,
    Succeeded,
)
from steersman.core.runs import Job, Run

SHAPES = (
    (Job("build", "build"),),
    (
        Job("build", "build", policy=retries.Policy(1)),
        Job("test", "test", needs=("build",), approve=True),
        Job("lint", "lint", allow_failure=True),
        Job(
            "deploy",
            "deploy",
            needs=("lint", "test"),
            policy=retries.Policy(repeat_errors=False),
        ),
        Job("docs", "docs", needs=("build",), unwanted="not for the branch x"),
    ),
    tuple(Job(f"j{n}", "build", needs=(f"j{n - 1}",) if n else (), limit=300.0) for n in range(4)),
)
RUNNERS = ("r1", "r2")


class Runs(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.run_ = Run("run", SHAPES[1])
        self.now = 0.0
        self.back = 0.0
        self.post: list[tuple[str, Event]] = []
        self.plans: list[runs.Action] = []
        self.ended: dict[tuple[str, int], Attempt] = {}
        self.records: set[tuple[str, int, str]] = set()
        self.made_after_cancel = 0

    def every(self) -> list[Attempt]:
        return [each for job in self.run_.jobs for each in job.attempts]

    def open(self) -> list[Attempt]:
        return [each for each in self.every() if not each.state.is_final]

    @precondition(lambda self: not self.every() and not self.plans)
    @rule(shape=st.sampled_from(SHAPES), limit=st.sampled_from([None, 2000.0]))
    def begin(self, shape: tuple[Job, ...], limit: float | None) -> None:
        self.run_ = Run("run", shape, limit=limit)

    @rule()
    def make_a_plan(self) -> None:
        self.plans += runs.plan(self.run_, self.now)

    @rule()
    def plan_and_apply(self) -> None:
        for action in runs.plan(self.run_, self.now):
            self.apply(action)

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), keep=st.booleans())
    def apply_an_action_late(self, data: st.DataObject, keep: bool) -> None:
        action = data.draw(st.sampled_from(self.plans))
        if not keep:
            self.plans.remove(action)
        self.apply(action)

    def apply(self, action: runs.Action) -> None:
        before = self.run_
        new_id = f"a{len(self.every())}"
        self.run_ = run_changes.apply(before, action, now=self.now, new_id=new_id)
        if len(self.every()) > sum(len(job.attempts) for job in before.jobs):
            self.made_after_cancel += before.cancelled is not None
            self.check_enqueued(before, str(action[0]))

    def check_enqueued(self, before: Run, name: str) -> None:
        """No job before what it needs, never two open attempts of one job, retries bounded."""
        jobs = {job.name: job for job in before.jobs}
        for need in jobs[name].needs:
            last = jobs[need].attempts[-1].state
            assert last is State.SUCCEEDED or (jobs[need].allow_failure and last.is_final)
        assert all(each.state.is_final for each in jobs[name].attempts)
        assert not jobs[name].approve or (v := jobs[name].verdict) is None or v.approved

    @precondition(lambda self: self.open())
    @rule(data=st.data(), runner=st.sampled_from(RUNNERS), worker=st.sampled_from("vw"))
    def something_is_said(self, data: st.DataObject, runner: str, worker: str) -> None:
        target = data.draw(st.sampled_from(self.every()))
        number = data.draw(st.sampled_from([max(1, target.leases), target.leases + 1]))
        events: list[Event] = [
            Leased(target.leases + 1, worker, self.now + 30),
            Renewed(number, self.now + 30),
            Renewed(number, self.now + 30, node="n1", notes=(Note("pulling", "box", "pulls"),)),
            Renewed(number, self.now + 30, notes=()),
            Released(number),
            Rejected(number),
            Lost(number),
            Lost(number, permanent=True),
            Started(target.number, runner),
            Heartbeat(target.number, runner),
            Succeeded(target.number, runner),
            Failed(target.number, runner),
            Errored(target.number, runner),
            Stopped(target.number, runner),
        ]
        self.post.append((target.id, data.draw(st.sampled_from(events))))

    @precondition(lambda self: self.post)
    @rule(data=st.data(), keep=st.booleans())
    def something_arrives(self, data: st.DataObject, keep: bool) -> None:
        message = data.draw(st.sampled_from(self.post))
        if not keep:
            self.post.remove(message)
        self.tell(*message)

    @precondition(lambda self: self.open())
    @rule(data=st.data(), gone=st.booleans(), worker=st.sampled_from("vw"))
    def a_worker_adopts(self, data: st.DataObject, gone: bool, worker: str) -> None:
        target = data.draw(st.sampled_from(self.open()))
        started = target.runner is not None
        if target.lease and may_adopt(
            target.lease, worker, self.now, started=started, holder_gone=gone
        ):
            self.tell(target.id, Adopted(target.leases + 1, worker, self.now + 30))

    def tell(self, identity: str, event: Event) -> None:
        before = next(each for each in self.every() if each.id == identity)
        after = advance(before, event, self.now)
        if isinstance(event, Succeeded | Failed) and hear(before, event) is Hearing.NEWS:
            self.records.add((before.job, before.number, event.runner))
        self.run_ = run_changes.report(self.run_, before.job, after)

    @rule(seconds=st.sampled_from([1.0, 20.0, 70.0, 1300.0]), outage=st.booleans())
    def time_passes(self, seconds: float, outage: bool) -> None:
        self.now += seconds
        self.back = self.now if outage else self.back
        for each in self.open():
            after = deadlines.expire(each, self.now, self.back)
            heard_lately = self.now - each.heard < deadlines.DEFAULT.silence
            if each.state is State.RUNNING and each.doubt is None and heard_lately:
                assert after.state is not State.ERRORED
            if after is not each:
                assert self.now >= self.back + deadlines.DEFAULT.grace
            self.run_ = run_changes.report(self.run_, each.job, after)

    @rule()
    def somebody_cancels(self) -> None:
        self.run_ = run_changes.cancel(self.run_)

    @rule(data=st.data(), approved=st.booleans())
    def somebody_decides(self, data: st.DataObject, approved: bool) -> None:
        job = data.draw(st.sampled_from(self.run_.jobs)).name
        self.run_ = run_changes.decide(self.run_, job, approved=approved, by="alice", now=self.now)

    @invariant()
    def final_means_final(self) -> None:
        for each in self.every():
            if each.state.is_final:
                assert self.ended.setdefault((each.job, each.number), each) == each

    @invariant()
    def at_most_one_attempt_of_a_job_can_complete(self) -> None:
        for job in self.run_.jobs:
            assert sum(not each.state.is_final for each in job.attempts) <= 1
            assert [each.number for each in job.attempts] == list(range(1, len(job.attempts) + 1))
            assert sum(each.state is State.SUCCEEDED for each in job.attempts) <= 1

    @invariant()
    def retries_are_bounded(self) -> None:
        for job in self.run_.jobs:
            states = [each.state for each in job.attempts]
            assert states.count(State.FAILED) <= job.policy.retries + 1
            assert states.count(State.ERRORED) <= (3 if job.policy.repeat_errors else 1)

    @invariant()
    def nothing_new_after_a_cancel(self) -> None:
        assert self.made_after_cancel == 0

    @invariant()
    def green_only_by_a_record(self) -> None:
        for each in self.every():
            if each.state is State.SUCCEEDED:
                assert (each.job, each.number, each.runner) in self.records

    @invariant()
    def a_plan_applied_leaves_nothing_to_plan(self) -> None:
        planned = self.run_
        for action in runs.plan(planned, self.now):
            planned = run_changes.apply(planned, action, now=self.now, new_id="x")
        assert runs.plan(planned, self.now) == ()
        self.nothing_open_is_forgotten(planned)

    def nothing_open_is_forgotten(self, planned: Run) -> None:
        """Never stuck: an open run has an attempt with a deadline, or waits for a person."""
        states = runs.job_states(planned)
        has_open = any(not a.state.is_final for job in planned.jobs for a in job.attempts)
        if runs.run_state(planned).is_final:
            assert not has_open
            assert all(state.is_final for state in states.values())
        else:
            assert has_open or runs.State.APPROVAL in states.values()

    def teardown(self) -> None:
        """Never stuck: with nobody left to speak, time alone ends the run."""
        run, now = self.run_, self.now
        for _ in range(100):
            for action in runs.plan(run, now):
                run = run_changes.apply(run, action, now=now, new_id="x")
            if runs.run_state(run).is_final:
                return
            now += 8 * 24 * 3600
            for job in run.jobs:
                for each in job.attempts:
                    ended = deadlines.expire(each, now, self.back)
                    run = run_changes.report(run, job.name, ended)
        raise AssertionError(f"stuck: {runs.job_states(run)}")


TestRuns = Runs.TestCase
TestRuns.settings = settings(stateful_step_count=40)
