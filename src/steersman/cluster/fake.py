"""A cluster for tests: runners that are entries in a table, and do what a test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from enum import StrEnum

from steersman.cluster.base import RunnerSpec, Seen, State
from steersman.core.errors import Conflict, Unavailable


class Life(StrEnum):
    """How a fake runner lives: until it is stopped, until it is killed, or not at all."""

    WAITS = "waits"
    STUBBORN = "stubborn"
    ENDS = "ends"


class FakeRunners:
    """What outlives a worker: give the same one to the `FakeCluster` of the next."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.specs: dict[str, RunnerSpec] = {}
        self.made: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.broken = False
        self.room: int | None = None


class FakeCluster:
    """Each runner lives as *life* says; `end` and `vanish` let it die."""

    name = "fake"

    def __init__(
        self,
        runners: FakeRunners | None = None,
        life: Callable[[RunnerSpec], Life] = lambda spec: Life.WAITS,
    ) -> None:
        self.there = runners or FakeRunners()
        self._life = life
        self._woken = asyncio.Event()

    def capabilities(self) -> frozenset[str]:
        return frozenset({"docker"})

    async def create(self, spec: RunnerSpec) -> None:
        if self.there.broken:
            raise Unavailable("the fake cluster is broken", hint="mend it")
        if spec.attempt in self.there.seen:
            return
        self.there.made.append(spec.attempt)
        self.there.specs[spec.attempt] = spec
        self._put(spec.attempt, State.RUNNING)
        if self._life(spec) is Life.ENDS:
            self.end(spec.attempt)

    async def runners(self) -> list[Seen]:
        return list(self.there.seen.values())

    async def look(self, attempt: str) -> None:
        self.there.told.append(("look", attempt))

    async def stop(self, attempt: str) -> None:
        self.there.told.append(("stop", attempt))
        spec = self.there.specs.get(attempt)
        if spec is not None and self._life(spec) is not Life.STUBBORN:
            self.end(attempt)

    async def kill(self, attempt: str) -> None:
        self.there.told.append(("kill", attempt))
        self.end(attempt)

    async def delete(self, attempt: str) -> None:
        seen = self.there.seen.get(attempt)
        if seen is not None and seen.state is not State.ENDED:
            raise Conflict(f"the runner of {attempt} has not ended", hint="stop it first")
        self.vanish(attempt)

    async def room(self) -> int | None:
        return self.there.room

    async def changed(self, within: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._woken.wait()
                self._woken.clear()

    async def close(self) -> None:
        return None

    def end(self, attempt: str) -> None:
        """Let a runner end by itself."""
        if attempt in self.there.seen:
            self._put(attempt, State.ENDED)

    def vanish(self, attempt: str) -> None:
        """Let a runner be gone without a trace."""
        self.there.seen.pop(attempt, None)
        self._woken.set()

    def _put(self, attempt: str, state: State) -> None:
        self.there.seen[attempt] = Seen(attempt, state, started=1.0)
        self._woken.set()
