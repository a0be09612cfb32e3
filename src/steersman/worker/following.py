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
"""How much of a plan is done at a time."""


class Follower:
    """Lets *cluster* be as *memory* says."""

    def __init__(self, client: Client, cluster: Cluster, memory: Memory, pause: Patience) -> None:
        self._client = client
        self._cluster = cluster
        self._memory = memory
        self._pause = pause
        self._some = asyncio.Semaphore(AT_ONCE)
        self._took = 1.0

    async def watch(self, every: float, gather: float) -> NoReturn:
        """Wake `follow` when the cluster changes, and every so many seconds in any case.

        The first change is acted on at once; those that come soon after go together: within ten
        times what a round takes, so that rounds take no more than a tenth of the time, and at
        most *gather* seconds.
        """
        while True:
            await self._cluster.changed(every)
            self._memory.work.set()
            await self._pause.sleep(min(gather, REST * self._took))

    async def follow(self) -> NoReturn:
        """Do what is to be done, for ever."""
        tries = 0
        while True:
            if await self._round():
                tries = 0
                await self._memory.work.wait()
            else:
                tries += 1
                await self._pause.sleep(self._pause.pause(tries))

    async def _round(self) -> bool:
        """Look, plan and act; return False when something has to be tried again."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            await self.look()
        except SteersmanError as error:
            say(Event.CLUSTER_AWAY, str(error), level=logging.WARNING)
            return False
        # From here to the plan nobody else has a turn: it takes in all there was.
        self._memory.work.clear()
        known = self._memory.holds
        plan = runners.plan(
            known.held.values(), known.seen.values(), known.gone.values(), self._memory.now()
        )
        self._took = clock() - began
        return all(await asyncio.gather(*(self._apply(action) for action in plan)))

    async def look(self) -> None:
        """Take in what is there."""
        seen = await self._cluster.runners()
        self._memory.put(holds.observed(self._memory.holds, seen, self._memory.now()))

    async def _apply(self, action: Action) -> bool:
        try:
            async with self._some:
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
