"""Making the cluster follow what is held: look, plan, act, and again."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from steersman.client import Client, Patience
from steersman.cluster.base import Cluster, NoRoom
from steersman.core import runners
from steersman.core.errors import Forbidden, SteersmanError, Unavailable, Unknown, UserError
from steersman.core.reports import Reason
from steersman.core.runners import Action, Create, Delete, Held, Kill, Kind, Look, Report, Stop
from steersman.worker import holds, telling
from steersman.worker.logs import Event, say
from steersman.worker.memories import Memory

REST = 10
"""How many times as long as a round takes nothing is looked at again."""
AT_ONCE = 16
"""How many runners are made at a time, and how much else is done."""


class Follower:
    """Lets *cluster* be as *memory* says; looks at all of it *every* so many seconds.

    Each action goes on beside the others: nobody waits for a slow one but its own attempt.
    """

    def __init__(
        self, client: Client, cluster: Cluster, memory: Memory, pause: Patience, every: float
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._memory = memory
        self._pause = pause
        self._every = every
        # A thousand runners that are to be made must not stand before one that is to be removed.
        self._making, self._others = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._busy: set[str] = set()
        self._tries: dict[str, int] = {}
        self._took = 1.0
        self._due = 0.0

    async def watch(self, gather: float) -> NoReturn:
        """Wake `follow` when the cluster changes, and every so many seconds in any case.

        The first change is acted on at once; those that come soon after go together: within ten
        times what a round takes, so that rounds take no more than a tenth of the time, and at
        most *gather* seconds.
        """
        while True:
            await self._cluster.changed(self._every)
            self._memory.work.set()
            await self._pause.sleep(min(gather, REST * self._took))

    async def follow(self) -> NoReturn:
        """Do what is to be done, for ever."""
        tries = 0
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    plan = await self._plan()
                except SteersmanError as error:
                    say(Event.CLUSTER_AWAY, str(error), level=logging.WARNING)
                    tries += 1
                    await self._pause.sleep(self._pause.pause(tries))
                    continue
                tries = 0
                for action in plan:
                    self._busy.add(action.attempt)
                    group.create_task(self._act(action))
                await self._memory.work.wait()

    async def _plan(self) -> list[Action]:
        """Look, and say what is to be done about what changed; every so often, about all."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self.look()
        # From here on nobody else has a turn: it takes in all there was.
        self._memory.work.clear()
        known, only = self._memory.holds, self._memory.touched - self._busy
        whole = began >= self._due
        if whole:
            self._due = began + self._every
        self._memory.touched &= self._busy
        plan = runners.plan(
            known.held.values(),
            known.seen.values(),
            known.gone.values(),
            self._memory.now(),
            None if whole else only,
        )
        self._took = clock() - began
        return [action for action in plan if action.attempt not in self._busy]

    async def look(self) -> None:
        """Take in what is there."""
        seen = await self._cluster.runners()
        known = self._memory
        known.put(holds.observed(known.holds, seen, known.now(), known.touched))

    async def _act(self, action: Action) -> None:
        """Do it; what failed is planned anew after a pause, what changed meanwhile at once."""
        name = action.attempt
        if await self._apply(action):
            self._tries.pop(name, None)
        else:
            tries = self._tries[name] = self._tries.get(name, 0) + 1
            await self._pause.sleep(self._pause.pause(tries))
            self._memory.touched.add(name)
        self._busy.discard(name)
        if name in self._memory.touched:
            self._memory.work.set()

    async def _apply(self, action: Action) -> bool:
        try:
            async with self._making if isinstance(action, Create) else self._others:
                await self._do(action)
        except SteersmanError as error:
            details = f"{type(action).__name__.lower()} {action.attempt}: {error}"
            say(Event.ACTION_FAILED, details, level=logging.WARNING)
            return await self._failed(action, error)
        self._done(action)
        return True

    def _done(self, action: Action) -> None:
        self._memory.put(holds.done(self._memory.holds, action, self._memory.now()))

    async def _failed(self, action: Action, error: SteersmanError) -> bool:
        """Give up what will never work; return False where trying again may help."""
        held = self._memory.holds.held.get(action.attempt)
        if isinstance(error, NoRoom) and isinstance(action, Create) and held is not None:
            return await self._apply(_released(held, error))
        if isinstance(error, Unavailable | Unknown | Forbidden):
            return False
        if isinstance(action, Create) and held is not None:
            return await self._apply(_hopeless(held, error))
        if isinstance(action, Report):
            # The server will not hear of it: then it is not ours any more.
            self._done(action)
            return True
        return False

    async def _do(self, action: Action) -> None:
        name = action.attempt
        match action:
            case Create() if name in self._memory.refused:
                raise UserError(self._memory.refused[name])
            case Create():
                # Let go meanwhile: it has no spec any more.
                if name in self._memory.specs:
                    await self._cluster.create(self._memory.specs[name])
                    say(Event.RUNNER_CREATED, name)
            case Look():
                await self._cluster.look(name)
            case Stop():
                await self._cluster.stop(name)
                say(Event.RUNNER_STOPPED, name)
            case Kill():
                await self._cluster.kill(name)
                say(Event.RUNNER_KILLED, name, level=logging.WARNING)
            case Delete():
                await self._cluster.delete(name)
                say(Event.RUNNER_DELETED, name)
            case Report(_, _, kind, _, message, _):
                seen = self._memory.holds.seen.get(name)
                hearing = await telling.report(self._client, action, seen.node if seen else "")
                say(Event.ATTEMPT_REPORTED, f"{name} {kind}: {message} ({hearing})")


def _released(held: Held, error: SteersmanError) -> Report:
    """Give back what finds no room here."""
    return Report(held.attempt, held.lease, Kind.RELEASED, None, str(error))


def _hopeless(held: Held, error: SteersmanError) -> Report:
    """Say that a runner can never be made: by what the job asks for, or by a fault of ours."""
    if isinstance(error, UserError):
        return Report(held.attempt, held.lease, Kind.REJECTED, None, str(error))
    return Report(held.attempt, held.lease, Kind.LOST, Reason.NEVER_STARTED, str(error))
