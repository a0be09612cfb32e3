"""`steer replay`: a job of the server, tried once more on this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import click

from steersman.cli import options
from steersman.cli.remote import connection, targets
from steersman.cli.remote.connection import Asked, Json, asks, get, path
from steersman.client import Client
from steersman.core.errors import Refused, UserError
from steersman.wire import JobSpec

LONG = 600.0
Flags = Mapping[str, Any]


def _local_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the flags of `steer build` that say where and how, not what."""
    for option in reversed(
        [*options._ENGINE, *options._LIMITS, *options._PLACES, *options._DISPLAY]
    ):
        function = option(function)
    return function


@click.command("replay")
@asks
@click.argument("run")
@click.argument("job", required=False)
@click.option("--attempt", type=click.IntRange(min=1), help="the attempt [default: the newest]")
@click.option("--skip-secrets", is_flag=True, help="run without the secrets the job had")
@_local_flags
def command(asked: Asked, run: str, job: str | None, attempt: int | None, **flags: Any) -> int:
    """Run a job of RUN here: with the same source, file, cache and variables.

    The values of its secrets are taken from your environment, by their names, or asked for. The
    exit code is that of `steer build`.
    """
    from steersman.cli import job as jobs
    from steersman.cli import show
    from steersman.cli.signals import Stopping
    from steersman.cli.working_dir import WorkingDir

    # What only `steer build` has, as it is without these flags.
    flags |= {"artifacts": False, "direct_mount": False}
    working = WorkingDir(Path(flags["working_dir"]))
    working.prepare(Path())
    run_id = flags["run_id"] or jobs.new_run_id()
    folder = working.new_run(run_id)
    try:
        spec = connection.run(asked, lambda client: _spec(client, run, job, attempt))
        hidden = {} if flags["skip_secrets"] else _secrets(spec["hidden"], os.environ)
        connection.run(asked, lambda client: _archives(client, spec, folder))
        mine = cast("JobSpec", {**spec, "attempt": run_id, "hidden": hidden})
        with show.audience(flags) as tell, Stopping() as stopping:
            work = Work(mine, working, flags, connection.connecting(asked))
            return stopping.run(_run(work, tell, stopping.cancelled))
    finally:
        for name in ("source", "cache"):
            shutil.rmtree(folder / name, ignore_errors=True)
        working.remove_old_runs(time.time())


async def _spec(client: Client, run: str, job: str | None, number: int | None) -> Json:
    """Return what the runner got."""
    found = await targets.run(client, run)
    attempt = targets.attempt(found, targets.job(found, job), number)
    return await get(client, path("attempts", attempt["id"], "replay"))


async def _archives(client: Client, spec: Json, folder: Path) -> None:
    """Bring the source, and the cache if there is one."""
    await _unpack(client, path("attempts", spec["attempt"], "source"), folder / "source")
    if spec["cache"]:
        await _unpack(client, path("attempts", spec["attempt"], "cache"), folder / "cache")


async def _unpack(client: Client, address: str, into: Path) -> None:
    from steersman import trees

    async with client.stream("GET", address, timeout=LONG) as answer:
        if answer.status == 204:
            return
        try:
            await trees.unpack(answer.pieces, into, trees.Limits(size=100 * 1024**3))
        except trees.TooLarge:
            raise Refused(f"the {into.name} is too large") from None


def _secrets(names: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of secrets: of the environment, or asked without echo."""
    missing = [name for name in names if name not in environ]
    if missing and not sys.stdin.isatty():
        raise UserError(
            f"the job had secrets that your environment does not hold: {', '.join(missing)}",
            hint="set them, or give --skip-secrets",
        )
    asked = {name: click.prompt(name, hide_input=True, err=True) for name in missing}
    return {name: asked.get(name) or environ.get(name, "") for name in names}


class Work(NamedTuple):
    """What is to be run, where, and how the server is asked for steps it publishes."""

    spec: JobSpec
    working: Any
    flags: Flags
    connect: Callable[[], Client]


async def _run(work: Work, tell: Any, cancelled: asyncio.Event) -> int:
    from steersman import pipeline_file
    from steersman.cli import door
    from steersman.cli.job import settings
    from steersman.core.steps import State
    from steersman.executor.attempt import Attempt
    from steersman.runner import registries
    from steersman.runner.jobs import Allowed, Places, build

    spec, working, flags, connect = work
    folder = working.builds / spec["attempt"]
    containers = await door.choose(flags, working, tell)
    try:
        registry = registries.of_api(connect, folder)
        job = build(spec, Places(folder, working.steps), containers, Allowed(), registry)
        config = pipeline_file.parse(spec["file"], spec["file_name"]).checked()
        job = job._replace(
            folder=folder,
            settings=settings(config, job.pipeline, flags)._replace(
                keep_source=spec["keep_source"]
            ),
        )
        attempt = Attempt(job, containers, tell, cancelled=cancelled, clock=time.monotonic)
        outcome = await attempt.run()
    finally:
        await containers.close()
    return {State.SUCCEEDED: 0, State.CANCELLED: 130}.get(outcome.state, 1)
