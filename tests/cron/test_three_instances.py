"""Three instances that are killed and cut off at any call: nothing is doubled, nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from steersman.core.schedules import timetables
from steersman.core.schedules.fires import State
from steersman.core.schedules.schedule import Catching, CatchUp
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.base import Wanted
from steersman.cron.ledger.memory import MemoryLedger
from steersman.cron.program import Cron
from steersman.cron.settings import Settings
from tests.cron import making, virtual
from tests.cron.virtual import Faults, ShakyLauncher, ShakyLedger, VirtualLoop

ALL = CatchUp(Catching.ALL, 100_000)


class Instances:
    """Three programs on one ledger and one cluster; who dies is started again a little later."""

    def __init__(self, loop: VirtualLoop, schedules: list[Any], seed: int) -> None:
        self.loop = loop
        self.ledger = MemoryLedger(loop.now)
        self.cluster = FakeCluster(loop.now)
        self.faults = Faults(seed, loop.now)
        self.faults.kill = self._kill
        self.entries = making.entries(*schedules)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.crons: dict[str, Cron] = {}
        self.dead: list[asyncio.Task[None]] = []

    def start(self, name: str) -> None:
        ledger = ShakyLedger(self.ledger, name, self.faults)
        launcher = ShakyLauncher(FakeLauncher(self.cluster, ends_at_once=True), name, self.faults)
        cron = Cron(ledger, launcher, Settings(name, rate=0), self.loop.times())
        cron.configure(self.entries)
        self.crons[name] = cron
        self.tasks[name] = self.loop.create_task(cron.run())

    def _kill(self, name: str) -> None:
        task = self.tasks.pop(name, None)
        if task is not None:
            task.cancel()
            self.dead.append(task)
            place, _, life = name.partition("-")
            again = f"{place}-{int(life or 0) + 1}"
            self.loop.call_later(self.faults.chance.uniform(0.1, 20.0), self.start, again)

    async def quiet(self) -> None:
        """Let no more faults happen, and wait until all is launched."""
        self.faults.deadly = self.faults.cutting = 0.0
        await asyncio.sleep(120)

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), *self.dead, return_exceptions=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_instants_are_launched_once_each(seed: int) -> None:
    schedules = [
        making.schedule(f"job-{number}", "*/2 * * * * *", catch_up=ALL) for number in range(10)
    ]

    async def main(loop: VirtualLoop) -> Instances:
        instances = Instances(loop, schedules, seed)
        for name in ("one", "two", "three"):
            instances.start(name)
        await asyncio.sleep(15)
        instances.faults.deadly, instances.faults.cutting = 0.004, 0.004
        await asyncio.sleep(1050)
        await instances.quiet()
        await instances.end()
        return instances

    instances = virtual.run(main)
    rows = asyncio.run(instances.ledger.rows(Wanted(limit=1_000_000)))
    cursors = {each.schedule: each for each in asyncio.run(instances.ledger.cursors())}
    launched = 0
    for each in schedules:
        cursor = cursors[each.name]
        planned = list(timetables.between(each.tables, int(cursor.created), cursor.decided))
        assert making.stood_for(rows, each) == planned
        launched += len(planned)
    left = [row for row in rows if row.open]
    assert all(row.due > instances.loop.now() - 30 for row in left)
    assert {row.state for row in rows} <= {State.FIRED, State.CLAIMED, State.PLANNED}
    assert launched > 5000
    assert instances.faults.kills > 20
    assert instances.faults.cuts > 20
    # Each start has its row, and each row of a launch its one start.
    assert set(instances.cluster.starts.values()) == {1}
    fired = {row.run for row in rows if row.state is State.FIRED}
    assert fired <= instances.cluster.starts.keys()
    assert len(instances.cluster.starts.keys() - fired) <= len(left)
