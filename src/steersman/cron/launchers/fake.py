"""A launcher in a dictionary, shared by as many instances as like: each name is started once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Outcome
from steersman.cron.launchers.base import Impossible, Run, Work, digest_name


class FakeCluster:
    """What several launchers see. *starts* counts how often each name was really started."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.runs: dict[str, Run] = {}
        self.starts: dict[str, int] = {}
        self.started_at: dict[str, float] = {}
        self.listeners: list[Callable[[Run], None]] = []

    def put(self, run: Run) -> None:
        """Let a run be in this state."""
        self.runs[run.name] = run
        for listener in tuple(self.listeners):
            listener(run)

    def end(self, name: str, outcome: Outcome = Outcome.SUCCEEDED) -> None:
        """End a run."""
        self.put(self.runs[name]._replace(outcome=outcome, ended=self.now()))


class FakeLauncher:
    """One instance's way to a `FakeCluster`."""

    def __init__(self, cluster: FakeCluster, *, ends_at_once: bool = False) -> None:
        self.cluster = cluster
        self._ends_at_once = ends_at_once

    def name(self, work: Work, fire: Fire) -> str:
        """Return the run's name."""
        return digest_name(work.base, fires.digest(*fire.key, fire.attempt))

    async def launch(self, work: Work, fire: Fire) -> str:
        """Start it once."""
        if work.body.get("refuse"):
            raise Impossible("the fake cluster refuses it")
        cluster, name = self.cluster, fire.run
        if name not in cluster.runs:
            cluster.starts[name] = cluster.starts.get(name, 0) + 1
            cluster.started_at[name] = cluster.now()
            cluster.put(Run(name, f"uid-{name}", fire.key, fire.attempt))
            if self._ends_at_once:
                cluster.end(name)
        return cluster.runs[name].uid

    async def find(self, name: str) -> Run | None:
        """Return the run if there is one."""
        return self.cluster.runs.get(name)

    async def stop(self, name: str) -> None:
        """End it at once."""
        run = self.cluster.runs.get(name)
        if run is not None and run.outcome is Outcome.RUNNING:
            now = self.cluster.now()
            ended = run._replace(outcome=Outcome.FAILED, ended=now, message="stopped")
            self.cluster.put(ended)

    def runs(self) -> Mapping[str, Run]:
        """Return what is known."""
        return self.cluster.runs

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        """Follow for ever."""
        self.cluster.listeners.append(changed)
        try:
            for run in list(self.cluster.runs.values()):
                changed(run)
            await asyncio.Event().wait()
        finally:
            self.cluster.listeners.remove(changed)
        raise AssertionError("nobody sets that event")

    async def tidy(self, needed: Collection[str]) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is held."""
