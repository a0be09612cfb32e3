"""Short ways to a launcher of processes, none of which outlives its test."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Outcome
from steersman.cron.launchers.base import Launcher, Run, What, Work
from steersman.cron.processes import records, spawning
from steersman.cron.processes.launcher import ProcessLauncher

NOW = 1_800_000_000
RUNS = "runs"
_made: list[ProcessLauncher] = []


def work(*command: str, **more: Any) -> Work:
    """Return the work of the schedule `nightly`."""
    body = {"command": list(command), "directory": "/", "environment": {}, "limit": None, **more}
    return Work("nightly", "mails", body, What.COMMAND)


def launcher(folder: Path, later: float = 0.0, **more: int) -> ProcessLauncher:
    """Return one whose clock is so much ahead, and who has little patience; `run` closes it."""

    def now() -> float:
        return time.time() + later

    made = ProcessLauncher(folder / RUNS, os.environ, now, grace=0.2, **more)
    _made.append(made)
    return made


def claim(each: Launcher, what: Work, instant: int = NOW) -> Fire:
    """Return the row of a run that is about to be launched."""
    fire = fires.planned(what.schedule, instant, instant, NOW)
    return fires.claimed(fire, "one", 3, NOW, each.name(what, fire))


def run(folder: Path, use: Callable[[ProcessLauncher], Awaitable[Any]]) -> Any:
    """Do something with a launcher, and kill what is left of its runs."""

    async def whole() -> Any:
        one = launcher(folder)
        try:
            return await use(one)
        finally:
            while _made:
                await _made.pop().close()
            for path in (folder / RUNS).iterdir():
                kill(path)

    return asyncio.run(whole())


def kill(folder: Path) -> None:
    """Kill all that is left of a run."""
    record = records.look(folder) if folder.is_dir() else None
    if record is not None and record.shim is not None and record.command is not None:
        spawning.send(record.shim, signal.SIGKILL)
        spawning.send(record.command, signal.SIGKILL, group=True)


async def ended(each: ProcessLauncher, name: str) -> Run:
    """Watch until a run has ended."""
    told: asyncio.Queue[Run] = asyncio.Queue()
    task = asyncio.ensure_future(each.watch(told.put_nowait))
    try:
        async with asyncio.timeout(30):
            while True:
                found = await told.get()
                if found.name == name and found.outcome is not Outcome.RUNNING:
                    return found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
