"""Ledgers of every kind, each new and empty."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from steersman.clock import SetClock
from steersman.cron.kubernetes.configmap import ConfigMapLedger
from steersman.cron.ledger.base import Ledger
from steersman.cron.ledger.memory import MemoryLedger
from steersman.cron.ledger.sql import SqlLedger
from steersman.store import engines
from tests.cron.fake_api import FakeApi
from tests.kubernetes import clusters

KINDS = (
    "memory",
    "sqlite",
    "postgres",
    "configmap",
    pytest.param("cluster", marks=pytest.mark.kubernetes),
)


class Ledgers:
    """Ways to open one ledger, by as many instances as like; *clock* is what it looks at."""

    def __init__(self, open_one: Callable[[SetClock], Ledger], *, own_clock: bool = False) -> None:
        self.clock = SetClock(1_800_000_000.0)
        self.own_clock = own_clock
        self._open = open_one

    def run(self, work: Callable[[Ledger, Ledger], Awaitable[Any]]) -> Any:
        """Do *work* with two instances of the ledger."""

        async def whole() -> Any:
            both = self._open(self.clock), self._open(self.clock)
            try:
                return await work(*both)
            finally:
                for each in both:
                    await each.close()

        return asyncio.run(whole())


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledgers]:
    """Each kind of ledger in turn."""
    kind = request.param
    if kind == "memory":
        shared: list[MemoryLedger] = []

        def one(clock: SetClock) -> Ledger:
            shared[:] = shared or [MemoryLedger(clock.now)]
            return shared[0]

        yield Ledgers(one)
    elif kind == "cluster":
        with clusters.namespace() as namespace:
            yield Ledgers(lambda clock: _in_cluster(namespace, clock))
    elif kind == "configmap":
        api = FakeApi()
        yield Ledgers(lambda clock: ConfigMapLedger(api, "space", "cron", clock.now, clock.now))
    else:
        yield from _databases(request, kind, tmp_path)


def _databases(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Ledgers]:
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'ledger.db'}"
        yield Ledgers(lambda clock: _in_database(url, clock, None))
    else:
        url = request.getfixturevalue("postgres").new_database()
        yield Ledgers(lambda clock: _in_database(url, clock, ThreadPoolExecutor(2)), own_clock=True)


def _in_database(url: str, clock: SetClock, executor: ThreadPoolExecutor | None) -> Ledger:
    ledger = SqlLedger(engines.open_engine(url), clock.now, executor)
    ledger.prepare()
    return ledger


class _Closing(ConfigMapLedger):
    """Closes the connection it was given for itself."""

    mine: Any = None

    async def close(self) -> None:
        await self.mine.close()


def _in_cluster(namespace: str, clock: SetClock) -> Ledger:
    api = clusters.api()
    ledger = _Closing(api, namespace, "cron", clock.now, clock.now)
    ledger.mine = api
    return ledger
