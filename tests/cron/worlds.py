"""Worlds of virtual time: a ledger, a cluster and as many instances as a story wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from steersman.core.schedules.alarms import News
from steersman.core.schedules.fires import Fire, Outcome
from steersman.core.schedules.schedule import (
    Schedule,
)
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.base import Asking, Request, Wanted
from steersman.cron.ledger.memory import MemoryLedger
from steersman.cron.program import Cron
from steersman.cron.settings import Settings
from steersman.cron.watching import Watchman
from tests.cron import making, virtual
from tests.cron.virtual import VirtualLoop


class World:
    """A ledger, a cluster and instances on one virtual clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.ledger = MemoryLedger(loop.now)
        self.cluster = FakeCluster(loop.now)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.crons: dict[str, Cron] = {}
        self.news: list[News] = []

    def start(self, name: str, *schedules: Schedule, at_once: bool = True, **more: Any) -> Cron:
        launcher = more.pop("launcher", None) or FakeLauncher(self.cluster, ends_at_once=at_once)
        body = more.pop("body", {})
        settings = Settings(name, **more)
        cron = Cron(self.ledger, launcher, settings, self.loop.times(), Watchman(self._hear))
        cron.configure(making.entries(*schedules, **body))
        self.crons[name] = cron
        self.tasks[name] = self.loop.create_task(cron.run())
        return cron

    async def _hear(self, news: News) -> None:
        self.news.append(news)

    async def kill(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.gather(self.tasks.pop(name), return_exceptions=True)

    async def end(self) -> None:
        for name in list(self.tasks):
            await self.kill(name)

    async def ask(self, asking: Asking, schedule: str, **more: Any) -> None:
        number = str(self.loop.time())
        await self.ledger.ask(
            Request(number, asking, schedule, "ann", "so", self.loop.now(), **more)
        )

    async def rows(self, schedule: str = "job") -> list[Fire]:
        return (await self.ledger.rows(Wanted(schedule, limit=100_000)))[::-1]


def play(story: Callable[[World], Any]) -> Any:
    """Run a story in a world of its own."""

    async def main(loop: VirtualLoop) -> Any:
        world = World(loop)
        try:
            return await story(world)
        finally:
            await world.end()

    return virtual.run(main)


def still_running(world: World) -> list[str]:
    """Return the runs that have not ended."""
    return [run.name for run in world.cluster.runs.values() if run.outcome is Outcome.RUNNING]
