"""A run and its jobs: what they are is read off their attempts, what comes next off both.

`plan` says what must happen, `apply` writes down that it did; between the two anything may have
been reported. A plan that was applied leaves nothing to plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from steersman.core import attempts, retries
from steersman.core.attempts import Attempt
from steersman.core.reports import CancelRequested, Reason

APPROVAL_SECONDS = 7 * 24 * 3600.0
"""How long a job waits for a person; then it counts as declined."""


class State(StrEnum):
    """The state of a job or a run; final ones are spelled as an attempt's."""

    WAITING = "waiting"
    APPROVAL = "approval"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self in _WORST_FIRST


_WORST_FIRST = (State.ERRORED, State.FAILED, State.CANCELLED, State.SUCCEEDED, State.SKIPPED)
_OF_ATTEMPT = {
    attempts.State.QUEUED: State.QUEUED,
    attempts.State.LEASED: State.QUEUED,
    attempts.State.RUNNING: State.RUNNING,
    attempts.State.CANCELLING: State.CANCELLING,
    attempts.State.SUCCEEDED: State.SUCCEEDED,
    attempts.State.FAILED: State.FAILED,
    attempts.State.ERRORED: State.ERRORED,
    attempts.State.CANCELLED: State.CANCELLED,
}


class Verdict(NamedTuple):
    """What a person, or the end of patience (*by* is empty), said about a job that waited."""

    approved: bool
    at: float
    by: str = ""


class Job(NamedTuple):
    """One pipeline in a run.

    *unwanted* says why the trigger does not concern it; *approvers* may let it go on, empty means
    anybody who may. *asked* and *skipped* note what was planned. *demanded* is the number of the
    attempt a person asked for.
    """

    name: str
    pipeline: str
    needs: tuple[str, ...] = ()
    policy: retries.Policy = retries.Policy()
    limit: float | None = None
    allow_failure: bool = False
    approve: bool = False
    approvers: tuple[str, ...] = ()
    unwanted: str = ""
    asked: float | None = None
    verdict: Verdict | None = None
    skipped: str = ""
    demanded: int = 0
    attempts: tuple[Attempt, ...] = ()


class Run(NamedTuple):
    """One execution of a workflow, or of one pipeline. *limit* is in seconds from *created*."""

    id: str
    jobs: tuple[Job, ...]
    created: float = 0.0
    limit: float | None = None
    cancelled: CancelRequested | None = None


class Enqueue(NamedTuple):
    """Make attempt *number* of *job* and queue it."""

    job: str
    number: int


class Cancel(NamedTuple):
    """Ask attempt *number* of *job* to end."""

    job: str
    number: int
    request: CancelRequested


class Skip(NamedTuple):
    """Note that *job* will not run, and why."""

    job: str
    why: str


class AskApproval(NamedTuple):
    """Note that *job* waits for a person, and tell *approvers*."""

    job: str
    approvers: tuple[str, ...]


class Decline(NamedTuple):
    """Note that nobody approved *job* in time."""

    job: str


class CancelRun(NamedTuple):
    """Note that the run is to end."""

    request: CancelRequested


Action = Enqueue | Cancel | Skip | AskApproval | Decline | CancelRun


def job_states(run: Run) -> dict[str, State]:
    """Return the state of each job, by name."""
    by_name = {job.name: job for job in run.jobs}
    states: dict[str, State] = {}
    # An explicit stack: a chain of pipelines may be longer than Python's.
    stack = [job.name for job in reversed(run.jobs)]
    while stack:
        job = by_name[stack[-1]]
        missing = [need for need in job.needs if need not in states]
        if missing and job.name not in states:
            stack += missing
            continue
        stack.pop()
        if job.name not in states:
            states[job.name] = _job_state(run, job, by_name, states)
    return states


def _job_state(run: Run, job: Job, jobs: dict[str, Job], states: dict[str, State]) -> State:
    if job.attempts:
        if run.cancelled is None and retries.again(job.attempts, job.policy, demanded=job.demanded):
            return State.QUEUED
        return _OF_ATTEMPT[job.attempts[-1].state]
    if job.unwanted:
        return State.SKIPPED
    # What the cancellation of the run ended is cancelled, not skipped for what ended with it.
    if run.cancelled is not None and not job.skipped:
        return State.CANCELLED
    if any(_is_broken(jobs[need], states[need]) for need in job.needs):
        return State.SKIPPED
    if run.cancelled is not None or (job.verdict is not None and not job.verdict.approved):
        return State.CANCELLED
    if not all(states[need].is_final for need in job.needs):
        return State.WAITING
    return State.APPROVAL if job.approve and job.verdict is None else State.QUEUED


def _is_broken(job: Job, state: State) -> bool:
    """Tell whether what needs *job* cannot run any more."""
    return state.is_final and state is not State.SUCCEEDED and not _is_tolerated(job, state)


def _is_tolerated(job: Job, state: State) -> bool:
    return job.allow_failure and state in (State.FAILED, State.ERRORED)


def run_state(run: Run) -> State:
    """Return the state of *run*: the worst of its jobs once all have ended."""
    states = job_states(run)
    if all(state.is_final for state in states.values()):
        counted = {
            State.SUCCEEDED if _is_tolerated(job, states[job.name]) else states[job.name]
            for job in run.jobs
        }
        return next((state for state in _WORST_FIRST if state in counted), State.SUCCEEDED)
    if run.cancelled is not None:
        return State.CANCELLING
    open_states = {state for state in states.values() if not state.is_final}
    if open_states <= {State.APPROVAL, State.WAITING}:
        return State.APPROVAL
    begun = any(attempt.leases for job in run.jobs for attempt in job.attempts)
    return State.RUNNING if begun else State.QUEUED


def plan(run: Run, now: float) -> tuple[Action, ...]:
    """Say what must happen for *run* to move on. Once it is applied, it says nothing new."""
    first: list[Action] = []
    if run.cancelled is None and _is_overdue(run, now):
        message = f"the run took longer than its {run.limit:g} s"
        request = CancelRequested(Reason.RUN_TIMED_OUT, message)
        first.append(CancelRun(request))
        run = run._replace(cancelled=request)
    first += [Decline(job) for job in _unanswered(run, now)]
    declined = {action.job for action in first if isinstance(action, Decline)}
    # What follows is planned as if these were done: one plan says everything.
    jobs = tuple(
        job._replace(verdict=Verdict(approved=False, at=now)) if job.name in declined else job
        for job in run.jobs
    )
    return (*first, *_plan(run._replace(jobs=jobs)))


def _unanswered(run: Run, now: float) -> Iterator[str]:
    """Name the jobs nobody approved in time."""
    asked = {job.name: job.asked for job in run.jobs if job.approve and job.asked is not None}
    if asked:
        states = job_states(run)
        for name, at in asked.items():
            if states[name] is State.APPROVAL and now >= at + APPROVAL_SECONDS:
                yield name


def _is_overdue(run: Run, now: float) -> bool:
    if run.limit is None or now < run.created + run.limit:
        return False
    return not all(state.is_final for state in job_states(run).values())


def _plan(run: Run) -> Iterator[Action]:
    states = job_states(run)
    for job in run.jobs:
        state = states[job.name]
        last = job.attempts[-1] if job.attempts else None
        if last is not None and not last.state.is_final:
            if run.cancelled is not None and last.state is not attempts.State.CANCELLING:
                yield Cancel(job.name, last.number, run.cancelled)
        elif state is State.QUEUED:
            yield Enqueue(job.name, len(job.attempts) + 1)
        elif state is State.SKIPPED and not job.skipped:
            yield Skip(job.name, job.unwanted or _broken_words(run, job, states))
        elif state is State.APPROVAL and job.asked is None:
            yield AskApproval(job.name, job.approvers)


def _broken_words(run: Run, job: Job, states: dict[str, State]) -> str:
    jobs = {each.name: each for each in run.jobs}
    broken = next(need for need in job.needs if _is_broken(jobs[need], states[need]))
    said = "was" if states[broken] in (State.CANCELLED, State.SKIPPED) else "has"
    return f"it needs {broken}, which {said} {states[broken]}"


def why(run: Run, name: str) -> str:
    """Say in one sentence why a job has not begun; empty once it has an open attempt or ended."""
    states = job_states(run)
    job = next(each for each in run.jobs if each.name == name)
    match states[name]:
        case State.WAITING:
            needs = [f"{need} ({states[need]})" for need in job.needs if not states[need].is_final]
            return f"waits for {', '.join(needs)}"
        case State.APPROVAL:
            wanted = " or ".join(job.approvers) or "a developer"
            return f"waits for the approval of {wanted}"
        case State.SKIPPED:
            return job.skipped or job.unwanted or _broken_words(run, job, states)
    return ""
