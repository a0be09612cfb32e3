"""The loops of a worker: one asks for work, one renews, one makes the cluster follow.

A server that does not answer only makes them wait: the runners go on, and so they do when the
worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from steersman import wire
from steersman.client import Client, Patience
from steersman.cluster.base import NO_SETTINGS, Cluster, RunnerSpec
from steersman.core import leases, runners
from steersman.core.errors import SteersmanError, Unavailable
from steersman.core.runners import Phase
from steersman.worker import holds, telling
from steersman.worker.following import Follower
from steersman.worker.logs import Event, say
from steersman.worker.memories import Memory
from steersman.worker.telling import Given


class Settings(NamedTuple):
    """What an admin says of a worker. *pools* are the settings of runners by the pool's name.

    *server_url* is where runners find the server, times are seconds: what the cluster tells at most
    *gather* after a change may go together. *pods*: the server is to say what the pod of each
    attempt holds.
    """

    name: str
    server_url: str
    pools: Mapping[str, Mapping[str, Any]]
    slots: int
    capabilities: frozenset[str] = frozenset()
    version: str = ""
    renew_every: float = leases.RENEW_EVERY
    wait: float = wire.LEASE_WAIT_SECONDS
    look_every: float = 5.0
    gather: float = 0.05
    pods: bool = False


class Worker:
    """Asks *client* for attempts, and keeps a runner in *cluster* for each that it holds.

    Client and cluster stay the caller's to close.
    """

    def __init__(
        self,
        client: Client,
        cluster: Cluster,
        settings: Settings,
        *,
        now: Callable[[], float],
        pause: Patience,
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._settings = settings
        self._can = settings.capabilities | cluster.capabilities()
        self._pause = pause
        self._memory = Memory(now)
        self._follower = Follower(client, cluster, self._memory, pause, settings.look_every)
        self._heard = False
        self._away = False
        self._drains = False
        self._leasing: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop` or `drain`; raise what makes working here impossible."""
        settings = self._settings
        say(Event.WORKER_STARTED, f"{settings.name}, {settings.slots} slots")
        # What is there already takes slots: look before asking for more.
        await self._follower.look()
        try:
            async with asyncio.TaskGroup() as group:
                self._leasing = group.create_task(self._lease())
                watching = self._follower.watch(settings.gather)
                others = (self._renew(), self._follower.follow(), watching)
                tasks = [self._leasing, *(group.create_task(each) for each in others)]
                await self._stopped.wait()
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as several:
            if isinstance(several.exceptions[0], SteersmanError):
                raise several.exceptions[0] from None
            raise
        say(Event.WORKER_STOPPED, f"{len(self._memory.holds.held)} attempts stay as they are")

    def stop(self) -> None:
        """End the worker; its runners go on, and the next worker takes them over."""
        self._stopped.set()

    async def drain(self) -> None:
        """Take no more, wait until nothing is held, then end."""
        self._drains = True
        if self._leasing is not None:
            self._leasing.cancel()
        say(Event.WORKER_DRAINS, f"{len(self._memory.holds.held)} attempts are held")
        while self._memory.holds.held:
            self._memory.moved.clear()
            await self._memory.moved.wait()
        self.stop()

    async def _lease(self) -> None:
        tries = 0
        while not self._drains:
            self._memory.room.clear()
            take = await self._room()
            if not take:
                await _soon(self._memory.room, self._settings.look_every)
                continue
            try:
                given = await telling.lease(self._client, self._says(take))
            except SteersmanError as error:
                tries += 1
                await self._server_away(error, tries)
                continue
            tries = 0
            self._server_back()
            for each in given:
                self._take(each, Event.ATTEMPT_GRANTED)

    async def _room(self) -> int:
        """Say how many attempts to ask for: what cannot begin here is better left to others."""
        known = self._memory.holds
        free = runners.free(
            self._settings.slots, known.held.values(), known.seen.values(), known.others
        )
        if not free:
            return 0
        try:
            room = await self._cluster.room()
        except SteersmanError as error:
            say(Event.CLUSTER_AWAY, str(error), level=logging.WARNING)
            return 0
        if room is None:
            return free
        # What was taken and is not made yet will need some of it.
        coming = sum(each.phase is Phase.WANTED for each in known.held.values())
        return max(0, min(free, room - coming))

    def _says(self, take: int) -> wire.WorkerSays:
        settings = self._settings
        said: wire.WorkerSays = {
            "worker": settings.name,
            "pools": sorted(settings.pools),
            "capabilities": sorted(self._can),
            "slots": settings.slots,
            "take": take,
            "wait": settings.wait,
            "version": settings.version,
            # What was only found is asked for by the next renewal.
            "holds": sorted(self._memory.holds.held.keys() | self._memory.holds.seen.keys()),
        }
        if settings.pods:
            said["pods"] = True
        return said

    def _take(self, given: Given, event: Event) -> None:
        """Hold an attempt from now on."""
        attempt, pool = given.grant.attempt, given.pool
        settings = self._settings.pools.get(pool, NO_SETTINGS)
        url = self._settings.server_url
        spec = RunnerSpec(attempt, given.token, url, pool, settings, given.wanted)
        if self._memory.hold(given.grant, spec, given.refused):
            say(event, attempt)

    async def _renew(self) -> NoReturn:
        """Renew everything every so often, and in between what the server should hear of."""
        tries, due = 0, 0.0
        clock = asyncio.get_running_loop().time
        while True:
            whole = clock() >= due
            about = self._memory.tell(whole=whole)
            try:
                if about.leases or about.found:
                    await self._renewal(about)
            except SteersmanError as error:
                tries, due = tries + 1, 0.0
                await self._server_away(error, tries)
                continue
            tries = 0
            if whole:
                due = clock() + self._settings.renew_every
            await _soon(self._memory.news, max(0.0, due - clock()))

    async def _renewal(self, about: holds.Asked) -> None:
        before = self._memory.holds
        settings = self._settings
        answer = await telling.renew(self._client, settings.name, before, about, pods=settings.pods)
        self._server_back()
        before = self._memory.holds
        now = self._memory.now()
        new = holds.renewed(before, about, answer.stop, answer.gone, now)
        new = holds.anothers(new, about, answer.others, now)
        for name in before.held.keys() - new.held.keys():
            say(Event.ATTEMPT_GONE, name)
        self._memory.put(new)
        for each in answer.adopted:
            self._take(each, Event.ATTEMPT_ADOPTED)

    async def _server_away(self, error: SteersmanError, tries: int) -> None:
        """Wait before the next try; a server that never took us is one we cannot work for."""
        if not self._heard and not isinstance(error, Unavailable):
            raise error
        if not self._away:
            self._away = True
            say(Event.SERVER_AWAY, str(error), level=logging.WARNING)
        await self._pause.sleep(self._pause.pause(tries, getattr(error, "after", None)))

    def _server_back(self) -> None:
        if self._away:
            say(Event.SERVER_BACK, self._settings.name)
        self._heard, self._away = True, False


async def _soon(event: asyncio.Event, within: float) -> None:
    """Wait for *event*, at most so long.

    With `asyncio.wait_for` a cancellation at the very moment of the event would be lost (3.11).
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
