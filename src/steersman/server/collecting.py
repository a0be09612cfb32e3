"""Deletes what its retention is over for: rows, blobs nobody names, mirrors of removed projects.

Everything is done in small steps, each of them whole by itself. Whoever dies between two leaves
nothing that the next collection does not find.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

from sqlalchemy import select

from steersman.blobs.base import Blobs
from steersman.core import retention
from steersman.core.errors import SteersmanError, UserError
from steersman.core.retention import DEFAULT, Policy
from steersman.server.retaining import PARTS, Sweep
from steersman.store import claims
from steersman.store.base import Transaction
from steersman.store.sql import Store
from steersman.store.tables import projects

CLAIM = "collecting"
PAUSE = 3600.0
HOLD = 600.0
"""Seconds after which another server may collect when the one that does is silent."""
RESTED = PAUSE * 0.9
"""Seconds after a collection in which no other server begins one."""
log = logging.getLogger("steersman.server")


class Collected(NamedTuple):
    """How many of each kind were deleted or merged, and what kept us from more."""

    counts: Mapping[str, int]
    problems: tuple[str, ...] = ()


class MirrorFolders(Protocol):
    """The mirrors that are there."""

    async def projects(self) -> Collection[str]:
        """Return the ids of the projects that have a mirror."""

    async def remove(self, project: str) -> None:
        """Remove the mirror of a project."""


@runtime_checkable
class Swept(Protocol):
    """A blob store in which killed writers leave parts."""

    async def sweep(self, now: float) -> int:
        """Remove old parts; return how many."""


class _ReplacedError(Exception):
    """Another server collects, or has just done so."""


class Collector:
    """Collects for all servers, one of them at a time.

    *policy* holds wherever the settings of a project do not say otherwise.
    """

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        policy: Policy = DEFAULT,
        mirrors: MirrorFolders | None = None,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._policy = policy
        self._mirrors = mirrors
        self._me = store.clock.new_id()
        self._renew = 0.0

    async def run(self) -> None:
        """Collect every hour, for as long as this runs."""
        while True:
            try:
                found = await self.collect_once()
                log.info("collected: %s", dict(found.counts))
            except SteersmanError as error:
                log.warning("collecting_failed: %s", error)
            await asyncio.sleep(PAUSE)

    async def collect_once(self) -> Collected:
        """Delete what may go now; nothing while another server does, or has just done so."""
        problems: list[str] = []
        counts: Counter[str] = Counter()
        try:
            await self._claim(HOLD)
            sweep = await self._sweep(counts, problems)
            for part in (*PARTS, self._parts_of_blobs, self._mirrors_of_nobody):
                await _try(part, sweep)
            await self._claim(RESTED)
        except _ReplacedError:
            log.info("collecting_elsewhere")
        return Collected({name: count for name, count in counts.items() if count}, tuple(problems))

    async def _claim(self, seconds: float) -> None:
        claim = partial(claims.claim, name=CLAIM, owner=self._me, seconds=seconds)
        if not await self._store.rewrite(claim):
            raise _ReplacedError
        self._renew = self._store.clock.now() + seconds / 4

    async def _hold(self) -> None:
        """Keep the claim, without a transaction each time."""
        if self._store.clock.now() >= self._renew:
            await self._claim(HOLD)

    async def _sweep(self, counts: Counter[str], problems: list[str]) -> Sweep:
        now, found = await self._store.scan(_projects)
        policies: dict[str, Policy] = {}
        for identity, (name, settings) in found.items():
            try:
                policies[identity] = retention.policy(settings, self._policy)
            except UserError as error:
                problems.append(f"project {name}: {error}")
        return Sweep(
            self._store, self._blobs, self._policy, policies, now, self._hold, counts, problems
        )

    async def _parts_of_blobs(self, sweep: Sweep) -> None:
        if isinstance(self._blobs, Swept):
            sweep.counts["parts"] += await self._blobs.sweep(sweep.now)

    async def _mirrors_of_nobody(self, sweep: Sweep) -> None:
        if self._mirrors is None:
            return
        # Listed first: a project that is made now has its row before its mirror.
        there = await self._mirrors.projects()
        _, known = await self._store.scan(_projects)
        for project in set(there) - known.keys():
            await self._hold()
            await self._mirrors.remove(project)
            sweep.counts["mirrors"] += 1


async def _try(part: Callable[[Sweep], Awaitable[None]], sweep: Sweep) -> None:
    """Let one part fail by itself: its rest is found the next time."""
    try:
        await part(sweep)
    except SteersmanError as error:
        log.warning("collecting_failed: %s", error)
        sweep.problems.append(str(error))


def _projects(tx: Transaction) -> tuple[float, dict[str, tuple[str, dict[str, object] | None]]]:
    query = select(projects.c.id, projects.c.name, projects.c.settings)
    return tx.now, {row.id: (row.name, row.settings) for row in tx.execute(query)}
