"""What changes a run: actions of its plan that were carried out, and people."""

from __future__ import annotations

from collections.abc import Callable

from steersman.core import attempts, runs
from steersman.core.reports import CancelRequested, Reason
from steersman.core.runs import Action, Job, Run, State, Verdict


def apply(run: Run, action: Action, *, now: float, new_id: str = "") -> Run:
    """Return *run* with *action* done. *new_id* is the id of the attempt `Enqueue` makes.

    An action that was done before, or whose ground is gone since, changes nothing.
    """
    match action:
        case runs.CancelRun(request):
            return run._replace(cancelled=run.cancelled or request)
        case runs.Enqueue(_, number):
            if run.cancelled is not None:
                return run
            return _with(run, action.job, lambda job: _enqueued(job, number, new_id, now))
        case runs.Cancel(_, number, request):
            return _with(run, action.job, lambda job: _cancelled(job, number, request, now))
        case runs.Skip(_, why):
            return _with(run, action.job, lambda job: job._replace(skipped=why))
        case runs.AskApproval():
            return _with(run, action.job, lambda job: job._replace(asked=job.asked or now))
        case runs.Decline():
            return decide(run, action.job, approved=False, by="", now=now)


def report(run: Run, job: str, attempt: attempts.Attempt) -> Run:
    """Return *run* with *attempt* in place of what it was before."""
    return _with(run, job, lambda each: _replaced(each, attempt))


def decide(run: Run, job: str, *, approved: bool, by: str, now: float) -> Run:
    """Approve or decline *job*; the first word counts, and only where one is awaited."""
    if runs.job_states(run)[job] is not State.APPROVAL:
        return run
    return _with(run, job, lambda each: each._replace(verdict=Verdict(approved, now, by)))


def cancel(run: Run, *, reason: Reason = Reason.REQUESTED, message: str = "") -> Run:
    """Ask for the end of *run*; one that has ended stays as it is."""
    if run.cancelled is not None or runs.run_state(run).is_final:
        return run
    return run._replace(cancelled=CancelRequested(reason, message))


def retry(run: Run, job: str) -> Run:
    """Ask for another attempt of a job that ended without success; what needs it runs after it."""
    states = runs.job_states(run)
    if states[job] not in (State.FAILED, State.ERRORED, State.CANCELLED):
        return run
    if run.cancelled is not None and not runs.run_state(run).is_final:
        return run

    def demand(each: Job) -> Job:
        verdict = each.verdict if each.verdict and each.verdict.approved else None
        return each._replace(demanded=len(each.attempts) + 1, verdict=verdict, asked=None)

    return _with(run._replace(cancelled=None, limit=None), job, demand)


def _with(run: Run, name: str, change: Callable[[Job], Job]) -> Run:
    changed = tuple(change(job) if job.name == name else job for job in run.jobs)
    return run._replace(jobs=changed)


def _enqueued(job: Job, number: int, new_id: str, now: float) -> Job:
    if number != len(job.attempts) + 1:
        return job
    if job.attempts and not job.attempts[-1].state.is_final:
        return job
    attempt = attempts.queue(new_id, job.name, number, now=now, limit=job.limit)
    return job._replace(attempts=(*job.attempts, attempt), skipped="")


def _cancelled(job: Job, number: int, request: CancelRequested, now: float) -> Job:
    found = next((each for each in job.attempts if each.number == number), None)
    return job if found is None else _replaced(job, attempts.advance(found, request, now))


def _replaced(job: Job, attempt: attempts.Attempt) -> Job:
    changed = tuple(attempt if each.number == attempt.number else each for each in job.attempts)
    return job._replace(attempts=changed)
