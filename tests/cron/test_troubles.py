"""Downtime, a cluster that is away, reloads and clocks that jump: nothing early, nothing twice."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from steersman.core.errors import Unavailable
from steersman.core.schedules import timetables
from steersman.core.schedules.fires import Fire, Reason, State
from steersman.core.schedules.schedule import (
    Catching,
    CatchUp,
)
from steersman.cron.launchers.fake import FakeLauncher
from steersman.cron.ledger.base import Wanted
from tests.cron import making
from tests.cron.worlds import World, play


def test_instants_meanwhile_are_caught_up_as_told() -> None:
    async def story(world: World) -> dict[str, list[Fire]]:
        schedules = [
            making.schedule("none", "* * * * *", catch_up=CatchUp(Catching.NONE)),
            making.schedule("latest", "* * * * *"),
            making.schedule("three", "* * * * *", catch_up=CatchUp(Catching.ALL, 3)),
            making.schedule("soon", "* * * * *", catch_up=CatchUp(Catching.ALL, 9), deadline=150),
        ]
        world.start("one", *schedules)
        await asyncio.sleep(70)
        await world.kill("one")
        await asyncio.sleep(3600)
        world.start("two", *schedules)
        await asyncio.sleep(30)
        return {each.name: await world.rows(each.name) for each in schedules}

    rows = play(story)
    late = {
        name: [row for row in found if row.instant > 1_800_000_080] for name, found in rows.items()
    }
    missed = {
        name: sum(row.covers for row in late[name] if row.state is State.MISSED) for name in late
    }
    fired = {name: [row for row in late[name] if row.state is State.FIRED] for name in late}
    total = {name: missed[name] + len(fired[name]) for name in late}
    assert len(set(total.values())) == 1
    assert len(fired["none"]) <= 1
    assert len(fired["latest"]) == 1
    assert len(fired["three"]) in (3, 4)
    assert 2 <= len(fired["soon"]) <= 4
    assert {row.reason for row in fired["three"]} <= {Reason.CAUGHT_UP, Reason.DUE}


class _Away(FakeLauncher):
    """A cluster that does not answer for a while."""

    def __init__(self, world: World, until: float) -> None:
        super().__init__(world.cluster, ends_at_once=True)
        self._until = until

    async def launch(self, work: Any, fire: Fire) -> str:
        if self.cluster.now() < self._until:
            raise Unavailable("no answer in time")
        return await super().launch(work, fire)


def test_ten_minutes_without_a_cluster_lose_nothing_inside_the_deadline() -> None:
    async def story(world: World) -> tuple[list[Fire], list[Fire]]:
        away = _Away(world, world.loop.now() + 610)
        patient = making.schedule("job", "0 * * * * *", deadline=900)
        hasty = making.schedule("hasty", "0 * * * * *", deadline=30)
        world.start("one", patient, hasty, launcher=away)
        await asyncio.sleep(700)
        return await world.rows(), await world.rows("hasty")

    rows, hasty = play(story)
    assert {row.state for row in rows} == {State.FIRED}
    assert len(rows) == 11 or len(rows) == 12
    late = [row for row in hasty if row.state is State.MISSED]
    assert len(late) >= 9
    assert {row.reason for row in late} == {Reason.TOO_LATE}
    assert all("no answer in time" in row.message for row in late)


def test_what_can_never_be_launched_is_missed_at_once_and_the_rest_goes_on() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "*/10 * * * * *"), body={"refuse": True})
        await asyncio.sleep(25)
        return await world.rows()

    rows = play(story)
    assert {(row.state, row.reason) for row in rows} == {(State.MISSED, Reason.REFUSED)}


def test_a_thousand_reloads_in_a_minute_lose_and_double_nothing() -> None:
    async def story(world: World) -> tuple[list[Fire], dict[str, int]]:
        each = making.schedule("job", "* * * * * *")
        cron = world.start("one", each)
        await asyncio.sleep(10)
        for number in range(1000):
            other = making.schedule("other", f"{number % 60} * * * * *", version=str(number))
            cron.configure(making.entries(each, *([other] if number % 3 else [])))
            await asyncio.sleep(0.06)
        await asyncio.sleep(2)
        return await world.rows(), world.cluster.starts

    rows, starts = play(story)
    instants = [row.instant for row in rows]
    assert instants == list(range(instants[0], instants[-1] + 1))
    assert len(instants) >= 65
    assert set(starts.values()) == {1}


@pytest.mark.parametrize("seed", range(2))
def test_a_wall_clock_that_jumps_makes_nothing_early_and_nothing_twice(seed: int) -> None:
    chance = random.Random(seed)

    async def story(world: World) -> tuple[World, list[float]]:
        loop, early = world.loop, []
        each = making.schedule("job", "*/20 * * * * *", catch_up=CatchUp(Catching.ALL, 10_000))
        launcher = FakeLauncher(world.cluster, ends_at_once=True)
        real = launcher.launch

        async def launch(work: Any, fire: Fire) -> str:
            early.append(fire.instant - loop.now())
            return await real(work, fire)

        launcher.launch = launch  # type: ignore[method-assign]
        # Looked for seldom, so that hours of virtual time are few turns.
        world.start("one", each, launcher=launcher, rate=0, poll=5.0, leading=50.0)
        latest = loop.now()
        for _ in range(60):
            await asyncio.sleep(chance.uniform(1, 20))
            latest = max(latest, loop.now())
            loop.wall += chance.choice((-3600, -60, -1, -0.2, 0.2, 1, 60, 3600))
        # Time went back past what was decided: wait until it is there again.
        await asyncio.sleep(max(0, latest - loop.now()) + 60)
        return world, early

    world, early = play(story)
    assert set(world.cluster.starts.values()) == {1}
    assert max(early) <= 0
    rows = asyncio.run(world.ledger.rows(Wanted("job", limit=100_000)))
    each = making.schedule("job", "*/20 * * * * *")
    instants = making.stood_for(rows, each)
    assert instants == list(timetables.between(each.tables, instants[0] - 1, instants[-1]))
