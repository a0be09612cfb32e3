"""Several launchers as one: each has its kind of work, and knows its own runs."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import NoReturn, cast

from steersman.core.schedules.fires import Fire
from steersman.cron.launchers.base import Launcher, Run, What, Work


class Several:
    """Asks the launcher of a run's work; where only its name is known, all of them."""

    def __init__(self, launchers: Mapping[What, Launcher]) -> None:
        self._launchers = launchers

    def name(self, work: Work, fire: Fire) -> str:
        """Return the name of the run."""
        return self._launchers[work.what].name(work, fire)

    async def launch(self, work: Work, fire: Fire) -> str:
        """Start it where it belongs."""
        return await self._launchers[work.what].launch(work, fire)

    async def find(self, name: str) -> Run | None:
        """Return the run, whoever has it."""
        for each in self._launchers.values():
            if (found := await each.find(name)) is not None:
                return found
        return None

    async def stop(self, name: str) -> None:
        """End it; to those who do not have it that is nothing."""
        for each in self._launchers.values():
            await each.stop(name)

    def runs(self) -> Mapping[str, Run]:
        """Return what all of them know."""
        known = (each.runs() for each in self._launchers.values())
        # Nobody writes to it.
        return ChainMap(*(cast("MutableMapping[str, Run]", each) for each in known))

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        """Follow all of them."""
        async with asyncio.TaskGroup() as group:
            for each in self._launchers.values():
                group.create_task(each.watch(changed))
        raise AssertionError("watches have no end")

    async def tidy(self, needed: Collection[str]) -> None:
        """Let each remove what is old."""
        for each in self._launchers.values():
            await each.tidy(needed)

    async def close(self) -> None:
        """Let go of all."""
        for each in self._launchers.values():
            await each.close()
