"""Two servers on one database, killed in the middle of turns: nothing doubled, nothing lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from steersman.cli.server_parts import Options, build
from steersman.core.schedules import timetables
from steersman.core.schedules.fires import State
from steersman.server import schedules
from steersman.server.platform import Platform
from steersman.server.schedules_firing import LEADING, Scheduler
from steersman.store import schedule_ledgers as ledgers
from steersman.store.base import Transaction
from steersman.store.tables import schedules as table
from steersman.store.tables import triggers
from tests.server.conftest import URL, Repository
from tests.server.test_queue_on_both import project

STEPS = 150


class Killed(Exception):
    """The server died here."""


class DyingStore:
    """A store whose server is killed at some statement of a transaction, or right after it."""

    def __init__(self, parts: Platform, chance: random.Random) -> None:
        self._store = parts.store
        self._chance = chance
        self.deadly = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def rewrite(self, work: Callable[[Transaction], Any]) -> Any:
        if self._chance.random() >= self.deadly:
            return await self._store.rewrite(work)
        left = self._chance.randrange(25)
        done = await self._store.rewrite(lambda tx: work(_dying(tx, left)))
        raise Killed(f"after it was committed: {done}")


def _dying(tx: Transaction, left: int) -> Transaction:
    budget = iter(range(left))

    def mortal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:
            if next(budget, None) is None:
                raise Killed("in the middle of it")
            return real(*words)

        return call

    for name in ("execute", "ask", "run"):
        setattr(tx, name, mortal(getattr(tx, name)))
    return tx


@pytest.fixture
def two(tmp_path: Path, database: str) -> Iterator[list[Platform]]:
    """Two servers on one database."""
    made = [
        build(Options(tmp_path / name, URL, database=database, allow_local=True), {})
        for name in ("one", "two")
    ]
    yield made
    for each in made:
        each.store.close()


def test_servers_that_are_killed_in_the_middle_double_nothing_and_lose_nothing(
    two: list[Platform], repository: Repository
) -> None:
    async def tried() -> None:
        chance = random.Random(7)
        owner = await project(two[0], repository)
        row = {"id": "s", "project_id": owner, "name": "s", "target": "build"}
        spec = {"cron": "*/2 * * * * *", "catch-up": "all"}

        def add(tx: Transaction) -> float:
            schedules.add(tx, {**row, "spec": spec}, tx.now)
            return tx.now

        now = began = await two[0].store.rewrite(add)
        stores = [DyingStore(each, chance) for each in two]
        mortal = [
            each._replace(store=store)  # type: ignore[arg-type]
            for each, store in zip(two, stores, strict=True)
        ]
        servers = [Scheduler(each) for each in mortal]
        kills = 0
        for step in range(STEPS):
            now += chance.uniform(0.2, 2.5)
            for store in stores:
                store.deadly = 0.3 if step < STEPS - 10 else 0.0
            for place in chance.sample(range(2), 2):
                try:
                    await servers[place].turn(now)
                except Killed:
                    kills += 1
                    servers[place] = Scheduler(mortal[place])
                if step % 3:
                    await servers[place].foresee(now)
        now += LEADING
        await servers[0].turn(now)
        await _compare(two[0], int(began), now)
        assert kills > 10

    asyncio.run(tried())


async def _compare(parts: Platform, began: int, now: float) -> None:
    def load(tx: Transaction) -> tuple[Any, Any, Any]:
        row = tx.one(select(table).where(table.c.id == "s"))
        asked = tx.all(select(triggers.c.id, triggers.c.key))
        return row, ledgers.ledger(tx, "s", limit=10_000), asked

    row, found, asked = await parts.store.scan(load)
    planned = list(timetables.between(schedules.read(row).tables, began, int(now)))
    assert sorted(each.instant for each in found) == planned
    assert {each.state for each in found} == {State.FIRED}
    assert sorted(each.run for each in found) == sorted(each["id"] for each in asked)
    assert {each["key"] for each in asked} == {f"schedule/s/{instant}" for instant in planned}
    fences = [each.fence for each in sorted(found, key=lambda each: each.launched or 0)]
    assert fences == sorted(fences)
    assert fences[-1] > fences[0]


def test_one_that_leads_keeps_the_others_from_it_until_its_term_is_over(
    two: list[Platform],
) -> None:
    async def tried() -> None:
        first, second = (Scheduler(each) for each in two)
        assert (await first.turn(1000.0)).leads
        assert not (await second.turn(1000.0 + LEADING / 2)).leads
        assert (await first.turn(1000.0 + LEADING / 2)).leads
        assert not (await second.turn(1000.0 + LEADING)).leads
        # As long as a server may be away before another one launches.
        assert (await second.turn(1000.0 + LEADING * 1.5)).leads
        assert not (await first.turn(1000.0 + LEADING * 2)).leads

    asyncio.run(tried())
