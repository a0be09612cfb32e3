"""What a run does next, job by job."""

from __future__ import annotations

import pytest

from steersman.core import retries, run_changes, runs
from steersman.core.attempts import Attempt
from steersman.core.attempts import State as Tried
from steersman.core.pipelines.model import Pipeline, WorkflowPipeline
from steersman.core.problems import Place
from steersman.core.reports import CancelRequested, Reason
from steersman.core.runs import (
    AskApproval,
    Cancel,
    CancelRun,
    Decline,
    Enqueue,
    Job,
    Run,
    Skip,
    State,
)

PLACE = Place("wercker.yml", 1, 1)


def tried(*states: Tried, reason: Reason | None = None) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(f"a{n}", "build", n, 0.0, state, leases=1, reason=reason)
        for n, state in enumerate(states, 1)
    )


def chain(state: Tried, *, allow: bool = False, **more: object) -> Run:
    build = Job("build", "build", attempts=tried(state), allow_failure=allow)
    return Run("r", (build, Job("test", "test", needs=("build",))))._replace(**more)  # type: ignore[arg-type]


def apply_all(run: Run, now: float = 0.0) -> Run:
    for action in runs.plan(run, now):
        run = run_changes.apply(run, action, now=now, new_id="x")
    return run


def test_a_job_begins_when_what_it_needs_has_succeeded() -> None:
    assert runs.plan(chain(Tried.RUNNING), 0.0) == ()
    assert runs.why(chain(Tried.RUNNING), "test") == "waits for build (running)"
    assert runs.plan(chain(Tried.SUCCEEDED), 0.0) == (Enqueue("test", 1),)


def test_what_needs_a_failure_is_skipped_and_says_why() -> None:
    run = chain(Tried.FAILED)
    assert runs.plan(run, 0.0) == (Skip("test", "it needs build, which has failed"),)
    run = apply_all(run)
    assert runs.run_state(run) is State.FAILED
    assert runs.why(run, "test") == "it needs build, which has failed"


@pytest.mark.parametrize("state", [Tried.FAILED, Tried.ERRORED])
def test_an_allowed_failure_fails_nothing(state: Tried) -> None:
    run = chain(state, allow=True)
    job = run.jobs[0]._replace(policy=retries.Policy(repeat_errors=False))
    run = run._replace(jobs=(job, run.jobs[1]))
    assert runs.plan(run, 0.0) == (Enqueue("test", 1),)
    alone = Run("r", (job,))
    assert (runs.run_state(alone), runs.job_states(alone)) == (
        State.SUCCEEDED,
        {"build": State(state)},
    )


def test_an_allowed_failure_does_not_hide_a_cancellation() -> None:
    assert runs.run_state(apply_all(chain(Tried.CANCELLED, allow=True))) is State.CANCELLED


def test_the_worst_job_is_the_state_of_the_run() -> None:
    order = [Tried.SUCCEEDED, Tried.CANCELLED, Tried.FAILED, Tried.ERRORED]
    policy = retries.Policy(repeat_errors=False)
    jobs = [Job(each, each, policy=policy, attempts=tried(each)) for each in order]
    for count in range(1, 5):
        assert runs.run_state(Run("r", tuple(jobs[:count]))) is State(order[count - 1])
    skipped = Job("x", "x", unwanted="not for it")
    assert runs.run_state(Run("r", (skipped, jobs[0]))) is State.SUCCEEDED
    assert runs.run_state(Run("r", (skipped,))) is State.SKIPPED


def test_a_cancelled_run_cancels_what_is_open_and_begins_nothing() -> None:
    run = run_changes.cancel(chain(Tried.RUNNING), message="by alice")
    request = CancelRequested(Reason.REQUESTED, "by alice")
    assert runs.plan(run, 0.0) == (Cancel("build", 1, request),)
    assert runs.run_state(run) is State.CANCELLING
    assert runs.plan(apply_all(run), 0.0) == ()
    assert run_changes.apply(run, Enqueue("test", 1), now=0.0, new_id="x") is run


def test_a_failure_is_not_repeated_after_a_cancel() -> None:
    job = Job("b", "b", policy=retries.Policy(5), attempts=tried(Tried.FAILED))
    run = Run("r", (job,))
    assert runs.plan(run, 0.0) == (Enqueue("b", 2),)
    assert runs.plan(run._replace(cancelled=CancelRequested()), 0.0) == ()


def test_what_was_skipped_before_a_cancel_stays_skipped() -> None:
    other = Job("other", "other", attempts=tried(Tried.RUNNING))
    run = apply_all(Run("r", (*chain(Tried.FAILED).jobs, other)))
    run = run_changes.cancel(run)
    assert runs.job_states(run)["test"] is State.SKIPPED


def test_a_run_over_its_time_is_cancelled_in_one_plan() -> None:
    run = chain(Tried.RUNNING, limit=100.0)
    assert runs.plan(run, 99.9) == ()
    told = CancelRequested(Reason.RUN_TIMED_OUT, "the run took longer than its 100 s")
    assert runs.plan(run, 100.0) == (CancelRun(told), Cancel("build", 1, told))
    assert runs.plan(chain(Tried.CANCELLED, limit=1.0), 100.0)[0] != CancelRun(told)
    done = Run("r", chain(Tried.SUCCEEDED).jobs[:1], limit=1.0)
    assert runs.plan(done, 100.0) == ()


def waits_for_a_person() -> Run:
    approve = Job("prod", "deploy", needs=("build",), approve=True, approvers=("alice",))
    after = Job("tell", "tell", needs=("prod",))
    return Run("r", (Job("build", "build", attempts=tried(Tried.SUCCEEDED)), approve, after))


def test_a_person_is_asked_once_and_then_it_goes_on() -> None:
    run = waits_for_a_person()
    assert runs.plan(run, 5.0) == (AskApproval("prod", ("alice",)),)
    run = apply_all(run, 5.0)
    assert runs.run_state(run) is State.APPROVAL
    assert runs.why(run, "prod") == "waits for the approval of alice"
    run = run_changes.decide(run, "prod", approved=True, by="alice", now=6.0)
    assert runs.plan(run, 6.0) == (Enqueue("prod", 1),)
    again = run_changes.decide(run, "prod", approved=False, by="bob", now=7.0)
    assert again is run


def test_nobody_is_asked_before_what_it_needs_has_succeeded() -> None:
    run = waits_for_a_person()
    run = run_changes.report(run, "build", run.jobs[0].attempts[0]._replace(state=Tried.RUNNING))
    assert runs.plan(run, 0.0) == ()
    assert run_changes.decide(run, "prod", approved=True, by="alice", now=0.0) is run


def test_declined_cancels_and_skips_what_follows() -> None:
    run = run_changes.decide(
        apply_all(waits_for_a_person()), "prod", approved=False, by="alice", now=6.0
    )
    assert runs.plan(run, 6.0) == (Skip("tell", "it needs prod, which was cancelled"),)
    assert runs.run_state(apply_all(run)) is State.CANCELLED


def test_an_approval_nobody_gave_counts_as_declined_in_one_plan() -> None:
    run = apply_all(waits_for_a_person(), 5.0)
    late = 5.0 + runs.APPROVAL_SECONDS
    assert runs.plan(run, late - 0.1) == ()
    assert [type(each) for each in runs.plan(run, late)] == [Decline, Skip]
    assert runs.plan(apply_all(run, late), late) == ()


def test_a_person_may_ask_for_another_attempt_and_what_was_skipped_follows() -> None:
    run = apply_all(chain(Tried.FAILED))
    run = run_changes.retry(run, "build")
    assert runs.plan(run, 0.0) == (Enqueue("build", 2),)
    run = apply_all(run)
    run = run_changes.report(run, "build", run.jobs[0].attempts[1]._replace(state=Tried.SUCCEEDED))
    assert runs.plan(run, 0.0) == (Enqueue("test", 1),)
    assert apply_all(run).jobs[1].skipped == ""


def test_a_cancelled_run_is_taken_up_by_a_retry_once_it_has_ended() -> None:
    open_ = Job("other", "other", attempts=tried(Tried.CANCELLING))
    run = Run("r", (*chain(Tried.CANCELLED).jobs, open_), cancelled=CancelRequested())
    assert run_changes.retry(run, "build") is run
    ended = run_changes.report(run, "other", open_.attempts[0]._replace(state=Tried.CANCELLED))
    assert runs.plan(run_changes.retry(ended, "build"), 0.0) == (Enqueue("build", 2),)
    assert run_changes.retry(chain(Tried.SUCCEEDED), "build") == chain(Tried.SUCCEEDED)


def test_a_very_long_chain_is_no_problem() -> None:
    jobs = [Job(f"j{n}", "b", needs=(f"j{n + 1}",) if n < 4999 else ()) for n in range(5000)]
    assert runs.plan(Run("r", tuple(jobs)), 0.0) == (Enqueue("j4999", 1),)


F, E, OK = Tried.FAILED, Tried.ERRORED, Tried.SUCCEEDED


@pytest.mark.parametrize(
    ("states", "policy", "expected"),
    [
        ((F,), retries.Policy(), False),
        ((F,), retries.Policy(1), True),
        ((F, F), retries.Policy(1), False),
        ((E,), retries.Policy(), True),
        ((E, E), retries.Policy(), True),
        ((E, E, E), retries.Policy(), False),
        ((E, F, E), retries.Policy(1), True),
        ((E, E, F, F), retries.Policy(1), False),
        ((E,), retries.Policy(5, repeat_errors=False), False),
        ((OK,), retries.Policy(5), False),
        ((Tried.CANCELLED,), retries.Policy(5), False),
        ((Tried.RUNNING,), retries.Policy(5), False),
        ((), retries.Policy(), True),
    ],
)
def test_failures_are_the_users_and_errors_are_ours(
    states: tuple[Tried, ...], policy: retries.Policy, expected: bool
) -> None:
    assert retries.again(tried(*states), policy) is expected


def test_what_a_person_demands_is_made_and_the_budget_begins_anew() -> None:
    none = retries.Policy(repeat_errors=False)
    assert not retries.again(tried(Tried.RUNNING), none, demanded=2)
    assert retries.again(tried(E), none, demanded=2)
    assert not retries.again(tried(E, E), none, demanded=2)
    assert retries.again(tried(E, E, E, E), retries.Policy(), demanded=4)


def test_what_no_worker_took_is_not_queued_again() -> None:
    assert not retries.again(tried(E, reason=Reason.NEVER_LEASED), retries.Policy())


@pytest.mark.parametrize(
    ("name", "reserved", "targets", "expected"),
    [
        ("build", {}, {}, True),
        ("deploy", {}, {}, False),
        ("deploy-prod", {}, {}, False),
        ("ship", {}, {"prod": ()}, False),
        ("build", {"retry-on-error": "never"}, {}, False),
        ("deploy", {"retry-on-error": "always"}, {}, True),
    ],
)
def test_what_deploys_is_never_repeated_by_us(
    name: str, reserved: dict[str, object], targets: dict[str, tuple[()]], expected: bool
) -> None:
    pipeline = Pipeline(name, PLACE, None, targets=targets, reserved=reserved)
    assert retries.policy(pipeline).repeat_errors is expected


def test_a_workflows_entry_says_retries_before_its_pipeline() -> None:
    pipeline = Pipeline("build", PLACE, None, reserved={"retries": 3})
    assert retries.policy(pipeline).retries == 3
    entry = WorkflowPipeline("x", "build", PLACE, reserved={"retries": 0})
    assert retries.policy(pipeline, entry).retries == 0


def test_nodes_on_which_a_job_errored_are_suspects_unless_they_are_blameless() -> None:
    reasons = [Reason.NODE_LOST, Reason.DELETED, Reason.EVICTED, Reason.NODE_LOST]
    tries = [
        each._replace(reason=reason, node=node)
        for each, reason, node in zip(
            tried(*[Tried.ERRORED] * 4), reasons, ["n1", "n2", "n3", "n1"], strict=True
        )
    ]
    [failed] = tried(Tried.FAILED)
    assert retries.suspects([*tries, failed._replace(node="n4")]) == ("n1", "n3")
