"""The clusters under test, and waiting for what runners do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from steersman.cluster.base import Cluster, RunnerSpec, State
from steersman.cluster.fake import FakeCluster, FakeRunners, Life
from steersman.cluster.local import NURSERY_LOG, LocalCluster
from steersman.cluster.nursing import Upbringing
from tests.contracts.cluster import lives
from tests.kubernetes import clusters

ROOT = Path(__file__).parents[3]
ENTRY = "tests.contracts.cluster.lives:main"
PATIENCE = 60.0
LIVES = """
case $(cat /steersman/order/spec.json) in
    *'"life": "ends"'*) exit 0 ;;
    *'"life": "stubborn"'*) trap '' TERM ;;
    *) trap 'exit 0' TERM ;;
esac
sleep 3600 &
while :; do wait; done
"""
"""What a runner that is a pod does, in a shell."""


def spec(attempt: str = "a1", life: str = "waits", **settings: Any) -> RunnerSpec:
    said = {"life": life, **settings}
    # Where a runner is a pod, its box lets go at once, but for one that will not stop.
    box = {"entrypoint": ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]}
    wanted = clusters.wanted(box=box)
    return RunnerSpec(attempt, "secret", "http://ci.test", "default", said, wanted)


def upbringing(root: Path, entry: str = ENTRY) -> Upbringing:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    return Upbringing(entry, ["json", "logging"], environment, root / NURSERY_LOG)


def local(root: Path, **more: Any) -> LocalCluster:
    root.mkdir(exist_ok=True)
    return LocalCluster(root, upbringing(root), **more)


class Place:
    """A place where runners outlive the cluster object that made them."""

    def __init__(self, kind: str, folder: Path, namespace: str = "") -> None:
        self.kind = kind
        self.folder = folder
        self.namespace = namespace
        self._table = FakeRunners()

    def cluster(self) -> Cluster:
        if self.kind == "local":
            return local(self.folder)
        if self.kind == "kubernetes":
            return clusters.cluster(self.namespace, run=("sh", "-c", LIVES))
        return FakeCluster(self._table, lambda spec: Life(spec.settings["life"]))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Cluster]:
        cluster = self.cluster()
        try:
            yield cluster
        finally:
            await cluster.close()

    async def ready(self, cluster: Cluster, attempt: str = "a1") -> None:
        """Wait until a runner that waits is up and does so."""
        if self.kind == "kubernetes":
            # Its shell may still set its trap: nobody tells from outside, so it is asked.
            await clusters.up(cluster, attempt)
            return
        file = self.folder / "runners" / attempt / lives.READY
        await until(cluster, lambda: self.kind == "fake" or file.exists())


@pytest.fixture(params=["fake", "local", pytest.param("kubernetes", marks=pytest.mark.kubernetes)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "kubernetes":
        with clusters.namespace() as name:
            yield Place(request.param, tmp_path, name)
        return
    place = Place(request.param, tmp_path)
    yield place
    do(lambda: clear(place.cluster()))


def do(work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE):
            await work()

    asyncio.run(whole())


async def clear(cluster: Cluster) -> None:
    """Kill and delete whatever a test left."""
    for each in await cluster.runners():
        await cluster.kill(each.attempt)
    while left := await cluster.runners():
        for each in left:
            if each.state is State.ENDED:
                await cluster.delete(each.attempt)
        await cluster.changed(0.1)
    await cluster.close()


async def until(cluster: Cluster, holds: Callable[[], bool]) -> None:
    """Wait for a thing of which nobody tells us."""
    while not holds():
        await cluster.changed(0.02)


async def state(cluster: Cluster, attempt: str = "a1") -> State | None:
    return {each.attempt: each.state for each in await cluster.runners()}.get(attempt)


async def becomes(cluster: Cluster, wanted: State | None, attempt: str = "a1") -> None:
    """Wait until a runner is in a state, as the cluster tells."""
    while await state(cluster, attempt) is not wanted:
        await cluster.changed(5.0)
