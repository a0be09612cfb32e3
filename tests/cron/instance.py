"""One instance as a process of its own; a run is an empty file, or a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.schedule import Catching, CatchUp
from steersman.cron import times
from steersman.cron.entries import Entry
from steersman.cron.launchers.base import Launcher, Run, What, Work, digest_name
from steersman.cron.ledger.sql import SqlLedger
from steersman.cron.processes.launcher import ProcessLauncher
from steersman.cron.program import Cron
from steersman.cron.settings import Settings
from steersman.store import engines
from tests.cron import making


class FolderLauncher:
    """Makes a file for each run, as a cluster makes an object: the name is there once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name(self, work: Work, fire: Fire) -> str:
        return digest_name(work.base, fires.digest(*fire.key, fire.attempt))

    async def launch(self, work: Work, fire: Fire) -> str:
        path = self._folder / fire.run
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        return fire.run

    async def find(self, name: str) -> Run | None:
        return None

    async def stop(self, name: str) -> None:
        return None

    def runs(self) -> Mapping[str, Run]:
        return {}

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def tidy(self, needed: Collection[str]) -> None:
        return None

    async def close(self) -> None:
        return None


async def main(said: dict[str, object]) -> None:
    """Run until killed."""
    clocks = times.system()
    ledger = SqlLedger(engines.open_engine(str(said["url"])), clocks.now, ThreadPoolExecutor(2))
    ledger.prepare()
    catch_up = CatchUp(Catching.ALL, 10_000)
    schedules = [
        making.schedule(f"job-{number}", "* * * * * *", catch_up=catch_up)
        for number in range(int(str(said["schedules"])))
    ]
    name = f"{said['name']}-{os.getpid()}"
    leading = float(str(said.get("leading", 3.0)))
    settings = Settings(name, leading=leading, rate=0, vanished=1e9)
    folder, command = Path(str(said["folder"])), said.get("command")
    launcher: Launcher = FolderLauncher(folder)
    entries = making.entries(*schedules)
    if command:
        launcher = ProcessLauncher(folder, {}, clocks.now)
        entries = {name: Entry(each.schedule, _work(name, str(command)))
                   for name, each in entries.items()}  # fmt: skip
    cron = Cron(ledger, launcher, settings, clocks)
    cron.configure(entries)
    await cron.run()


def _work(name: str, command: str) -> Work:
    body: dict[str, object] = {
        "command": ["sh", "-c", command],
        "directory": "/",
        "environment": {},
        "limit": None,
    }
    return Work(name, name, body, What.COMMAND)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
