"""Who leads: one dies, one resigns, one was stopped and wakes."""

from __future__ import annotations

import asyncio

from steersman.core.schedules.schedule import (
    Catching,
    CatchUp,
)
from steersman.cron.times import Times
from tests.cron import making
from tests.cron.worlds import World, play


def test_when_the_leader_dies_another_launches_within_fifteen_seconds() -> None:
    each = making.schedule("job", "* * * * * *", catch_up=CatchUp(Catching.ALL, 1000))

    async def story(world: World) -> list[float]:
        for name in ("one", "two", "three"):
            world.start(name, each, rate=0)
        await asyncio.sleep(20.3)
        waits = []
        for _ in range(3):
            leader = next(name for name, cron in world.crons.items() if cron.leads())
            await world.kill(leader)
            del world.crons[leader]
            died, known = world.loop.now(), len(world.cluster.starts)
            while len(world.cluster.starts) == known:  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)
            waits.append(world.loop.now() - died)
            world.start(f"{leader}-again", each, rate=0)
            await asyncio.sleep(15)
        return waits

    assert max(play(story)) <= 15.0


def test_who_resigns_is_followed_at_once() -> None:
    async def story(world: World) -> float:
        one = world.start("one", making.schedule("job", "* * * * * *"))
        await asyncio.sleep(5)
        world.start("two", making.schedule("job", "* * * * * *"))
        await asyncio.sleep(5)
        await world.kill("one")
        await one.resign()
        before, known = world.loop.now(), len(world.cluster.starts)
        while len(world.cluster.starts) == known:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.05)
        return world.loop.now() - before

    assert play(story) <= 4.0


def test_a_leader_that_was_stopped_launches_nothing_when_it_wakes() -> None:
    async def story(world: World) -> tuple[dict[str, int], set[str]]:
        each = making.schedule("job", "* * * * * *")
        world.start("one", each)
        await asyncio.sleep(10)
        world.start("two", each)
        # The clock goes on and the process does not: as SIGSTOP for a minute.
        frozen = world.crons["one"]
        stopped = world.loop.now()
        real = world.loop.times()
        frozen._times = Times(lambda: stopped, real.elapsed)
        task = world.tasks["one"]
        held = asyncio.Event()
        frozen._leading.run = held.wait  # type: ignore[assignment, method-assign]
        await world.ledger.resign("one")
        await asyncio.sleep(30)
        task.cancel()
        rows = await world.rows()
        late = {row.holder for row in rows if row.launched and row.launched > stopped + 10}
        return world.cluster.starts, late

    starts, late = play(story)
    assert set(starts.values()) == {1}
    assert late == {"two"}
