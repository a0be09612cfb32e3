"""Conducts the jobs of a run on this machine: observe, plan by `core/runs`, start, hear."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from steersman.core import attempts, run_changes, runs
from steersman.core.attempts import Attempt
from steersman.core.reports import Leased, Reason, Record, Started
from steersman.core.runs import Job, Run, State

HERE = "here"
"""The name of the only worker and of every runner."""


class Heard(Protocol):
    """Hears of each job whose state changed, and why it will not run where that is so."""

    def __call__(self, job: str, state: State, why: str, /) -> None: ...


class Means(NamedTuple):
    """What conducting needs: how to run a job, and where ids and times come from.

    *execute* runs an attempt to its end and returns its record; *slots* is how many at once.
    """

    execute: Callable[[Job, Attempt], Coroutine[Any, Any, Record]]
    slots: int
    told: Heard
    new_id: Callable[[], str]
    now: Callable[[], float]


class Conductor:
    """Carries *run* to its end; *cancelled* may be set at any time."""

    def __init__(self, run: Run, means: Means, cancelled: asyncio.Event) -> None:
        self.run = run
        self._means = means
        self._cancelled = cancelled
        self._going: dict[asyncio.Task[Record], Attempt] = {}
        self._told: dict[str, State] = {}

    async def conduct(self) -> Run:
        """Run every job that can be run, and return the run as it ended."""
        cancelling = asyncio.ensure_future(self._cancelled.wait())
        try:
            self._move_on()
            while self._going:
                waited: set[asyncio.Future[Any]] = {*self._going}
                if not cancelling.done():
                    waited.add(cancelling)
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                for ended in [task for task in self._going if task in done]:
                    self._hear(self._going.pop(ended), ended.result())
                self._move_on()
        finally:
            for task in (cancelling, *self._going):
                task.cancel()
            await asyncio.gather(cancelling, *self._going, return_exceptions=True)
        return self.run

    def _move_on(self) -> None:
        means = self._means
        if self._cancelled.is_set():
            self.run = run_changes.cancel(self.run, message="interrupted")
        for action in runs.plan(self.run, means.now()):
            changed = run_changes.apply(
                self.run, action, now=means.now(), new_id=self._means.new_id()
            )
            self.run = changed
        for job in self.run.jobs:
            if len(self._going) < means.slots and job.attempts:
                last = job.attempts[-1]
                if last.state is attempts.State.QUEUED:
                    self._start(job, last)
        self._tell()

    def _start(self, job: Job, attempt: Attempt) -> None:
        now = self._means.now()
        attempt = attempts.advance(attempt, Leased(1, HERE, math.inf), now)
        attempt = attempts.advance(attempt, Started(attempt.number, HERE), now)
        self.run = run_changes.report(self.run, job.name, attempt)
        self._going[asyncio.create_task(self._means.execute(job, attempt))] = attempt

    def _hear(self, attempt: Attempt, record: Record) -> None:
        job = next(each for each in self.run.jobs if each.name == attempt.job)
        ended = attempts.advance(job.attempts[-1], record, self._means.now())
        self.run = run_changes.report(self.run, attempt.job, ended)

    def _tell(self) -> None:
        states = runs.job_states(self.run)
        for job in self.run.jobs:
            if self._told.get(job.name) is not states[job.name]:
                self._told[job.name] = states[job.name]
                self._means.told(job.name, states[job.name], job.skipped)


def exit_code(run: Run) -> int:
    """Return what `steer` ends with: ours to mend before the user's, and cancelled before all."""
    states = runs.job_states(run)
    worst = runs.run_state(run)
    if run.cancelled is not None and worst is not State.SUCCEEDED:
        return 130
    if worst is State.FAILED:
        failed = [job for job in run.jobs if states[job.name] is State.FAILED]
        counted = [job for job in failed if not job.allow_failure]
        rejected = [job.attempts[-1].reason is Reason.REJECTED for job in counted]
        return 2 if all(rejected) else 1
    return {State.SUCCEEDED: 0, State.SKIPPED: 0, State.CANCELLED: 130}.get(worst, 3)
