"""`steer watch`, `steer wait`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import NamedTuple, Protocol

import click

from steersman.cli.remote import connection, happenings, output, runs, snapshots, targets
from steersman.cli.remote.connection import Asked, Json, asks, get, path
from steersman.cli.remote.snapshots import Line
from steersman.client import Client, patience, patiently
from steersman.core.errors import Interrupted, Unavailable


class Way(NamedTuple):
    """How a run is followed: whether it is drawn, and for how many seconds at most."""

    draw: bool = True
    timeout: float | None = None


class Screen(Protocol):
    """Shows how a run goes on."""

    def show(self, run: Json, lines: Sequence[Line]) -> None:
        """Show the run as it is now."""

    def close(self) -> None:
        """Leave the terminal as it should be."""


class Silent:
    """Shows nothing."""

    def show(self, run: Json, lines: Sequence[Line]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Plain:
    """Prints a line for each thing that happened."""

    def __init__(self) -> None:
        self._before: Sequence[Line] = ()

    def show(self, run: Json, lines: Sequence[Line]) -> None:
        """Print what is new."""
        for line in snapshots.news(self._before, lines):
            click.echo(snapshots.text(line))
        self._before = lines

    def close(self) -> None:
        """Do nothing: every line was finished."""


@click.command("watch")
@asks
@click.argument("run")
def watch(asked: Asked, run: str) -> int:
    """Show the jobs and steps of a run until it ends.

    The exit code says how it ended: 0 succeeded, 1 failed, 3 errored, 130 cancelled.
    """
    return output.exit_code(followed(asked, run, Way()))


@click.command("wait")
@asks
@click.argument("run")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), help="give up after so many seconds"
)
def wait(asked: Asked, run: str, timeout: float | None) -> int:
    """Wait until a run ends; the exit code says how, as that of `steer watch`."""
    return output.exit_code(followed(asked, run, Way(draw=False, timeout=timeout)))


def followed(asked: Asked, run: str, way: Way) -> str:
    """Follow a run to its end, and return the state it ended in. Ctrl-C only leaves it."""
    screen = _screen(way.draw and asked.form == "table")
    try:
        ended = connection.run(asked, lambda client: _in_time(client, run, screen, way.timeout))
    except KeyboardInterrupt:
        raise Interrupted(
            f"left; the run {run} goes on by itself", hint=f"`steer cancel {run}` ends it"
        ) from None
    finally:
        screen.close()
    output.show(asked, ended, lambda: _ending(ended), output.run_name(ended))
    return str(ended["state"])


def _ending(run: Json) -> str:
    return "\n".join([*map(runs.problem, run["problems"]), snapshots.ending(run)])


def _screen(draw: bool) -> Screen:  # noqa: FBT001
    if not draw:
        return Silent()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from steersman.cli.remote.trees import Tree

        return Tree()
    return Plain()


async def _in_time(client: Client, run: str, screen: Screen, timeout: float | None) -> Json:  # noqa: ASYNC109
    try:
        return await asyncio.wait_for(_follow(client, run, screen), timeout)
    except TimeoutError:
        raise Unavailable(
            f"the run {run} has not ended after {timeout:g} s",
            hint=f"it goes on; `steer wait {run}` waits longer",
        ) from None


async def _follow(client: Client, named: str, screen: Screen) -> Json:
    run = await targets.run(client, named)
    steps: dict[str, Sequence[Json]] = {}
    async with aclosing(happenings.looks(client, run["id"])) as looks:  # type: ignore[type-var]
        async for run in looks:
            if not isinstance(screen, Silent):
                await _look_at_steps(client, run, steps)
                screen.show(run, snapshots.tree(run, steps))
    return run


async def _look_at_steps(client: Client, run: Json, steps: dict[str, Sequence[Json]]) -> None:
    """Fetch the steps of each job's newest attempt; those of one that has ended, only once."""
    pause = patience()
    for job in run["jobs"]:
        last = job["attempts"][-1] if job["attempts"] else None
        if last is None or last["started"] is None or f"{last['id']} over" in steps:
            continue
        looking = partial(get, client, path("attempts", last["id"]))
        found = await patiently(looking, pause=pause, give_up_after=happenings.GIVE_UP)
        steps[last["id"]] = found["steps"]
        if found["state"] in happenings.FINAL:
            steps[f"{last['id']} over"] = ()
