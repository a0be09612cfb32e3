"""A loop whose time leaps to the next thing to do, and instances that can be killed or cut off."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, NoReturn, TypeVar

from steersman.core.errors import Unavailable
from steersman.core.schedules.fires import Fire
from steersman.cron.launchers.base import Launcher, Run, Work
from steersman.cron.ledger.base import LEADING, Changes, Ledger, Loaded, Request, Term, Wanted
from steersman.cron.times import Times

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """A selector that never waits: it tells the loop how far time went instead."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout is not None and timeout > 0:
            self.time += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own; *wall* is where the wall's clock begins."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)
        self.wall = wall

    def time(self) -> float:
        return self._leaping.time

    def now(self) -> float:
        """Return what the wall's clock shows."""
        return self.wall + self._leaping.time

    def times(self) -> Times:
        """Return the clocks an instance is given."""
        return Times(self.now, self.time)


def run(work: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run *work* on a virtual loop to its end."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work(loop))


class Faults:
    """What may happen at each call through a door: the process dies, or its network does.

    *kill* is told the instance's name. Calls of an instance that is cut off fail after a while.
    """

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self.chance = random.Random(seed)
        self.now = now
        self.deadly = 0.0
        self.cutting = 0.0
        self.kill: Callable[[str], None] = lambda name: None
        self.cut: dict[str, float] = {}
        self.kills = 0
        self.cuts = 0

    async def passing(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Let a call through, unless something happens before or after it."""
        await self._maybe(name)
        await asyncio.sleep(self.chance.uniform(0.0005, 0.003))
        result = await call()
        # It went through, and nobody lives to know that.
        await self._maybe(name)
        return result

    async def _maybe(self, name: str) -> None:
        roll = self.chance.random()
        if roll < self.deadly:
            self.kills += 1
            self.kill(name)
            # The process is gone: nothing of it ever goes on.
            await asyncio.Event().wait()
        if roll < self.deadly + self.cutting and self.now() >= self.cut.get(name, 0):
            self.cuts += 1
            self.cut[name] = self.now() + 5.0
        left = self.cut.get(name, 0.0) - self.now()
        if left > 0:
            await asyncio.sleep(min(left, self.chance.uniform(0.1, 2.0)))
            raise Unavailable("the network is down")


class ShakyLedger:
    """A ledger whose calls pass through faults."""

    def __init__(self, ledger: Ledger, name: str, faults: Faults) -> None:
        self._ledger = ledger
        self._name = name
        self._faults = faults

    async def _pass(self, call: Callable[[], Awaitable[T]]) -> T:
        return await self._faults.passing(self._name, call)

    async def lead(self, holder: str, seconds: float = LEADING) -> Term | None:
        return await self._pass(lambda: self._ledger.lead(holder, seconds))

    async def resign(self, holder: str) -> None:
        await self._pass(lambda: self._ledger.resign(holder))

    async def leader(self) -> Term | None:
        return await self._pass(self._ledger.leader)

    async def load(self) -> Loaded:
        return await self._pass(self._ledger.load)

    async def write(self, fence: int, changes: Changes) -> None:
        await self._pass(lambda: self._ledger.write(fence, changes))

    async def ask(self, request: Request) -> None:
        await self._pass(lambda: self._ledger.ask(request))

    async def requests(self) -> list[Request]:
        return await self._pass(self._ledger.requests)

    async def cursors(self) -> list[Any]:
        return await self._pass(self._ledger.cursors)

    async def rows(self, wanted: Wanted) -> list[Fire]:
        return await self._pass(lambda: self._ledger.rows(wanted))

    async def prune(self, fence: int, before: float) -> int:
        return await self._pass(lambda: self._ledger.prune(fence, before))

    async def close(self) -> None:
        await self._ledger.close()


class ShakyLauncher:
    """A launcher whose calls pass through faults."""

    def __init__(self, launcher: Launcher, name: str, faults: Faults) -> None:
        self._launcher = launcher
        self._name = name
        self._faults = faults

    def name(self, work: Work, fire: Fire) -> str:
        return self._launcher.name(work, fire)

    async def launch(self, work: Work, fire: Fire) -> str:
        return await self._faults.passing(self._name, lambda: self._launcher.launch(work, fire))

    async def find(self, name: str) -> Run | None:
        return await self._faults.passing(self._name, lambda: self._launcher.find(name))

    async def stop(self, name: str) -> None:
        await self._faults.passing(self._name, lambda: self._launcher.stop(name))

    def runs(self) -> Mapping[str, Run]:
        return self._launcher.runs()

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        await self._launcher.watch(changed)

    async def tidy(self, needed: Collection[str]) -> None:
        await self._launcher.tidy(needed)

    async def close(self) -> None:
        await self._launcher.close()
