"""From the flags of `steer build` to an exit code: the composition root of a local run."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from steersman import pipeline_file
from steersman.cli import door, show
from steersman.cli.job import Request, build_job
from steersman.cli.leftovers import remove_dead_runs
from steersman.cli.signals import Stopping
from steersman.cli.working_dir import WorkingDir
from steersman.containers.base import Containers
from steersman.core.errors import Interrupted, UserError
from steersman.core.events import Audience, Level, Notice
from steersman.core.pipelines import pick
from steersman.core.pipelines.model import Config
from steersman.core.steps import Outcome, State
from steersman.core.variables import Command
from steersman.executor import Job
from steersman.executor.attempt import Attempt

Flags = Mapping[str, Any]
T = TypeVar("T")


def run_pipeline(command: Command, target: str, flags: Flags) -> int:
    """Run one pipeline to its end and return the exit code."""
    project = project_of(target, flags)
    return run_read(command, project, read_config(project, flags), flags)


def run_read(command: Command, project: Path, config: Config, flags: Flags) -> int:
    """Do the same with a file that was read already."""
    working = WorkingDir(Path(flags["working_dir"]))
    request = Request(
        command=command,
        project=project,
        working=working,
        config=config,
        pipeline=pick(config, flags["pipeline"] or command.value),
        flags=flags,
    )
    working.prepare(project)
    with show.audience(flags) as tell, Stopping() as stopping:
        if sys.stdin.isatty() and sys.stdout.isatty():
            from steersman.cli import own_terminal

            request = request._replace(attend=partial(own_terminal.attend, tell))
        elif flags.get("attach_on_error"):
            raise UserError("--attach-on-error needs a terminal, and there is none here")
        return stopping.run(_run(request, tell, stopping.cancelled))


def project_of(target: str, flags: Flags) -> Path:
    """Return the folder to run on; an address is fetched first."""
    if target.startswith(("http://", "https://")):
        from steersman.cli import fetched_projects

        return fetched_projects.fetch(target, WorkingDir(Path(flags["working_dir"])))
    return project_folder(target)


def project_folder(target: str) -> Path:
    """Return the folder to run on."""
    project = Path(target)
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UserError("the current folder does not exist any more", hint="`cd` to one") from None
    if not project.exists():
        raise UserError(f"there is no folder {target}")
    if not project.is_dir():
        raise UserError(f"{target} is not a folder", hint="name the folder that holds wercker.yml")
    return project


def read_config(project: Path, flags: Flags) -> Config:
    """Read the pipeline file; raise `InvalidFile` after showing everything wrong with it."""
    return read_file(project, flags)[1].checked()


def read_file(project: Path, flags: Flags) -> tuple[Path, pipeline_file.Parsed]:
    """Find the pipeline file, and show everything wrong with it."""
    path = _file(project, flags["wercker_yml"])
    parsed = pipeline_file.read(path)
    if parsed.problems:
        show.problems(parsed, warnings=not flags["quiet"])
    return path, parsed


def _file(project: Path, named: str | None) -> Path:
    """Return the pipeline file: the one named, the project's, else that of the current folder."""
    if named:
        return Path(named)
    try:
        return pipeline_file.find(project)
    except UserError:
        # The output of a build, which `deploy` runs on, seldom holds the file.
        if project.resolve() == Path().resolve():
            raise
        return pipeline_file.find(Path())


async def _run(request: Request, tell: Audience, cancelled: asyncio.Event) -> int:
    working = request.working
    containers = await unless(cancelled, door.choose(request.flags, working, tell))
    try:
        tidying = unless(cancelled, tidy(containers, working, tell))
        building = asyncio.to_thread(build_job, request, containers)
        _, job = await asyncio.gather(tidying, building)
        working.point(
            "latest_deploy" if request.command is Command.DEPLOY else "latest", job.run_id
        )
        outcome = await carried_out(request, job, containers, tell, cancelled)
    finally:
        await containers.close()
        working.remove_old_runs(time.time())
    return {State.SUCCEEDED: 0, State.CANCELLED: 130}.get(outcome.state, 1)


async def carried_out(
    request: Request, job: Job, containers: Containers, tell: Audience, cancelled: asyncio.Event
) -> Outcome:
    """Run a job once, after the services that are built from other projects."""
    hold = request.attend if request.flags.get("attach_on_error") else None
    services = None
    if any(service.url for service in job.pipeline.services):
        from steersman.cli.local_services import Place, Services

        services = Services(Place(containers, tell, cancelled))
    try:
        job = await services.built(request, job) if services else job
        return await Attempt(
            job, containers, tell, cancelled=cancelled, clock=time.monotonic, hold=hold
        ).run()
    finally:
        if services:
            await services.remove()


async def unless(cancelled: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """Do *work*, but not when somebody asks us to end: an engine may let us wait."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Interrupted("interrupted before the run began")
        return working.result()
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)


async def tidy(containers: Containers, working: WorkingDir, tell: Audience) -> None:
    """Remove what killed runs left at this door, and say so."""
    for run_id, kinds in (await remove_dead_runs(containers)).items():
        working.drop_half_kept(run_id)
        text = f"removed what the killed run {run_id} left: {', '.join(kinds)}"
        tell(Notice(Level.INFO, text))
