"""From the flags of `steer workflow` to an exit code."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from steersman.cli import door, git_facts, running
from steersman.cli.job import Request, build_job, new_run_id
from steersman.cli.show import several
from steersman.cli.show.several import Screen, Told
from steersman.cli.signals import Stopping
from steersman.cli.workflows.conducting import HERE, Conductor, Means, exit_code
from steersman.cli.workflows.memory import Ended, Memory
from steersman.cli.working_dir import WorkingDir
from steersman.containers.base import Containers
from steersman.core import attempts, handing_over, retries, runs, triggers
from steersman.core.attempts import Attempt
from steersman.core.errors import SteersmanError, UserError
from steersman.core.events import Audience, Level, Notice
from steersman.core.pipelines.model import Config, Workflow
from steersman.core.reports import Errored, Failed, Reason, Record, Stopped, Succeeded, known_reason
from steersman.core.runs import Job, Run, State
from steersman.core.steps import Outcome
from steersman.core.steps import State as StepState
from steersman.core.triggers import Trigger
from steersman.core.variables import Command
from steersman.executor import Job as Order

Flags = Mapping[str, Any]


class Wanted(NamedTuple):
    """A workflow of a file that was read, on a folder, with flags."""

    project: Path
    working: WorkingDir
    config: Config
    workflow: Workflow
    flags: Flags


def named(name: str, project: Path, config: Config, flags: Flags) -> int:
    """Run the workflow *name* of a file that was read to its end and return the exit code."""
    working = WorkingDir(Path(flags["working_dir"]))
    return run_workflow(Wanted(project, working, config, pick(config, name), flags))


def run_workflow(wanted: Wanted) -> int:
    """Run a workflow to its end and return the exit code."""
    wanted.working.prepare(wanted.project)
    memory = Memory(wanted.working.workflows, wanted.workflow.name)
    kept = _taken_up(wanted, memory)
    jobs = _jobs(wanted, kept, memory)
    _check_files(wanted, kept)
    names = [job.name for job in jobs]
    with (
        several.screen(wanted.flags, wanted.workflow.name, names) as screen,
        Stopping() as stopping,
    ):
        return stopping.run(_run(wanted, jobs, memory, screen, stopping.cancelled))


def pick(config: Config, name: str) -> Workflow:
    """Return the workflow *name*; `UserError` names those that exist."""
    found = next((each for each in config.workflows if each.name == name), None)
    if found is not None:
        return found
    names = ", ".join(each.name for each in config.workflows)
    exist = f"{config.file} has {names}" if names else f"{config.file} has no workflow"
    if name in config.pipelines:
        exist += f"; {name} is a pipeline: `steer run {name}`"
    raise UserError(f"no workflow named {name}", hint=exist)


def _taken_up(wanted: Wanted, memory: Memory) -> frozenset[str]:
    """Name the jobs that need not run again; a run that begins anew forgets the last one."""
    first = wanted.flags["first"]
    if first is None:
        return frozenset()
    if not memory.load():
        raise UserError(
            f"the workflow {wanted.workflow.name} has not run here yet", hint="leave out --from"
        )
    builds = wanted.working.builds
    good = {
        name: ended.state == State.SUCCEEDED and (builds / ended.run).is_dir()
        for name, ended in memory.jobs.items()
    }
    kept = handing_over.kept(wanted.workflow.pipelines, good, first)
    memory.jobs = {name: ended for name, ended in memory.jobs.items() if name in kept}
    return kept


def _jobs(wanted: Wanted, kept: frozenset[str], memory: Memory) -> tuple[Job, ...]:
    """Return the jobs as the platform would run them by hand, but that nobody is waited for."""
    trigger = Trigger(triggers.Kind.MANUAL, target=wanted.workflow.name)
    (chosen,) = triggers.choose(wanted.config, trigger).chosen
    found = []
    for job in chosen.jobs:
        # What our side broke is told to whoever sits here, and not repeated.
        policy = retries.Policy(job.policy.retries, repeat_errors=False)
        ended: tuple[Attempt, ...] = ()
        if job.name in kept:
            attempt = attempts.queue(memory.jobs[job.name].run, job.name, 1, now=0.0, limit=None)
            ended = (attempt._replace(state=attempts.State.SUCCEEDED),)
        found.append(job._replace(policy=policy, approve=False, attempts=ended))
    return tuple(found)


def _check_files(wanted: Wanted, kept: frozenset[str]) -> None:
    for entry in wanted.workflow.pipelines:
        path = _env_file(wanted.project, entry.env_file)
        if path is not None and entry.name not in kept and not path.is_file():
            raise UserError(
                f"{entry.place}: there is no file {path}",
                hint=f"envFile of {entry.name} names a file of variables, relative to the project",
            )


def _env_file(project: Path, name: str | None) -> Path | None:
    return project / name if name else None


async def _run(
    wanted: Wanted,
    jobs: tuple[Job, ...],
    memory: Memory,
    screen: Screen,
    cancelled: asyncio.Event,
) -> int:
    flags, working = wanted.flags, wanted.working
    began = time.monotonic()
    containers = await running.unless(cancelled, door.choose(flags, working, screen))
    try:
        tidying = running.unless(cancelled, running.tidy(containers, working, screen))
        _, git = await asyncio.gather(tidying, asyncio.to_thread(git_facts.read, wanted.project))
        memory.save()
        jobs_here = Jobs(wanted, containers, memory, screen, cancelled, git)
        means = Means(
            execute=jobs_here.execute,
            slots=flags["parallel"] or slots(),
            told=screen.stands,
            new_id=new_run_id,
            now=time.time,
        )
        run = Run(flags["run_id"] or new_run_id(), jobs)
        run = await Conductor(run, means, cancelled).conduct()
    finally:
        await containers.close()
        working.remove_old_runs(time.time())
    if failed := next((job.name for job in run.jobs if _is_failed(run, job)), None):
        again = f"`steer workflow {wanted.workflow.name} --from {failed}` takes it up there"
        screen(Notice(Level.INFO, again))
    screen.over(runs.run_state(run), time.monotonic() - began, jobs_here.told(run))
    return exit_code(run)


def _is_failed(run: Run, job: Job) -> bool:
    states = (State.FAILED, State.ERRORED, State.CANCELLED)
    return bool(job.attempts) and runs.job_states(run)[job.name] in states


def slots() -> int:
    """Return how many pipelines run at once: one for each processor, and two at least."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        count = os.cpu_count() or 1
    return max(2, count)


class Jobs:
    """Runs the jobs of one workflow, and keeps what they leave for those that follow."""

    def __init__(
        self,
        wanted: Wanted,
        containers: Containers,
        memory: Memory,
        screen: Screen,
        cancelled: asyncio.Event,
        git: git_facts.GitFacts,
    ) -> None:
        self._wanted = wanted
        self._containers = containers
        self._memory = memory
        self._screen = screen
        self._cancelled = cancelled
        self._git = git
        self._entries = {entry.name: entry for entry in wanted.workflow.pipelines}
        self._givers = handing_over.givers(wanted.workflow.pipelines)
        self._took: dict[str, float] = {}

    async def execute(self, job: Job, attempt: Attempt) -> Record:
        """Run one attempt; whatever goes wrong is told, and is the attempt's record."""
        tell, began = self._screen.of(job.name), time.monotonic()
        try:
            request = self._request(job, attempt)
            order = await asyncio.to_thread(self._order, job, request)
            record = _record(attempt, await self._run(request, order, tell))
        except SteersmanError as error:
            hint = f"\nhint: {error.hint}" if error.hint else ""
            tell(Notice(Level.ERROR, f"{error}{hint}"))
            record = _broken(attempt, error, cancelled=self._cancelled.is_set())
        self._took[job.name] = time.monotonic() - began
        state = attempts.advance(attempt, record, time.time()).state
        self._memory.note(job.name, Ended(attempt.id, state))
        return record

    async def _run(self, request: Request, order: Order, tell: Audience) -> Outcome:
        return await running.carried_out(request, order, self._containers, tell, self._cancelled)

    def _request(self, job: Job, attempt: Attempt) -> Request:
        """Return what is asked of a job; the source is what those before it left."""
        wanted, entry = self._wanted, self._entries[job.name]
        pipeline = wanted.config.pipelines[job.pipeline]
        handed = handing_over.handed(entry)
        source = self._left_by(handed.whole) if handed.whole else None
        parts = tuple((folder, self._left_by(name)) for name, folder in handed.parts)
        env_file = _env_file(wanted.project, entry.env_file)
        flags = {**wanted.flags, "pipeline": job.pipeline, "run_id": attempt.id}
        if env_file is not None:
            flags["environment"] = str(env_file)
        flags["direct_mount"] = flags["direct_mount"] and source is None and not parts
        return Request(
            command=Command.DEPLOY if retries.deploys(pipeline) else Command.BUILD,
            project=wanted.project,
            working=wanted.working,
            config=wanted.config,
            pipeline=pipeline,
            flags=flags,
            workflow=wanted.workflow.name,
            source=source,
            parts=parts,
            git=self._git,
        )

    def _order(self, job: Job, request: Request) -> Order:
        order = build_job(request, self._containers)
        gives = order.settings._replace(keep_source=job.name in self._givers)
        return order._replace(settings=gives)

    def _left_by(self, name: str) -> Path:
        """Return what *name* left; the project itself where that was worked on directly."""
        folder = self._folder(name) / "output"
        if folder.is_dir():
            return folder
        if self._wanted.flags["direct_mount"] and not self._entries[name].requires:
            return self._wanted.project
        folder.mkdir(parents=True)  # it left nothing at all
        return folder

    def _folder(self, name: str) -> Path:
        return self._wanted.working.builds / self._memory.jobs[name].run

    def told(self, run: Run) -> list[Told]:
        """Say how each job ended, and where its output is."""
        states = runs.job_states(run)
        return [
            Told(job.name, states[job.name], self._took.get(job.name, 0.0), self._output(job.name))
            for job in run.jobs
        ]

    def _output(self, name: str) -> str:
        if name not in self._memory.jobs:
            return ""
        folder = self._folder(name) / "output"
        return str(folder) if folder.is_dir() and any(folder.iterdir()) else ""


def _record(attempt: Attempt, outcome: Outcome) -> Record:
    if outcome.state is StepState.SUCCEEDED:
        return Succeeded(attempt.number, HERE)
    if outcome.state is StepState.CANCELLED:
        return Stopped(attempt.number, HERE, outcome.message)
    reason = known_reason(outcome.cause, Reason.STEP_FAILED)
    return Failed(attempt.number, HERE, reason, outcome.message)


def _broken(attempt: Attempt, error: SteersmanError, *, cancelled: bool) -> Record:
    if cancelled:
        return Stopped(attempt.number, HERE, str(error))
    if isinstance(error, UserError):
        return Failed(attempt.number, HERE, Reason.REJECTED, str(error))
    return Errored(attempt.number, HERE, Reason.INTERNAL, str(error))
