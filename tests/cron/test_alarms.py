"""What somebody is told of, and when nobody is."""

from __future__ import annotations

import asyncio

from steersman.core.schedules.alarms import News
from steersman.core.schedules.schedule import (
    Alarms,
    Catching,
    CatchUp,
)
from tests.cron import making
from tests.cron.worlds import World, play, still_running


def test_what_is_wrong_is_told_within_thirty_seconds_and_when_it_is_over() -> None:
    async def story(world: World) -> list[tuple[str, str, float]]:
        alarms = Alarms(running=60, silent=300)
        each = making.schedule("job", "0 */10 * * * *", alarms=alarms)
        world.start("one", each, at_once=False)
        said: list[tuple[str, str, float]] = []
        known = 0
        for _ in range(900):
            await asyncio.sleep(1)
            for news in world.news[known:]:
                said += [("raised", alarm.what, world.loop.time()) for alarm in news.raised]
                said += [("over", alarm.what, world.loop.time()) for alarm in news.over]
            known = len(world.news)
            if world.loop.time() == 700:
                for name in still_running(world):
                    world.cluster.end(name)
        return said

    said = play(story)
    first = {(state, what): at for state, what, at in reversed(said)}
    assert 300 <= first["raised", "no-success"] <= 331
    assert ("raised", "running-too-long") in first
    assert ("over", "running-too-long") in first
    assert ("over", "no-success") in first


def test_a_new_leader_tells_nothing_again_and_knows_what_is_over() -> None:
    def told(world: World) -> list[tuple[str, str]]:
        said = [("raised", str(alarm.what)) for news in world.news for alarm in news.raised]
        return said + [("over", str(alarm.what)) for news in world.news for alarm in news.over]

    async def story(world: World) -> None:
        alarms = Alarms(running=60, silent=600)
        each = making.schedule(
            "job", "0 */10 * * * *", alarms=alarms, catch_up=CatchUp(Catching.NONE)
        )
        # The first one goes on, and then nobody is there.
        world.start("one", each, at_once=False)
        await asyncio.sleep(650)
        await world.kill("one")
        await asyncio.sleep(960)
        world.start("two", each, at_once=False)
        await asyncio.sleep(30)
        first = ["running-too-long", "no-success", "missed"]
        assert sorted(told(world)) == sorted(("raised", what) for what in first)
        for number in range(3):
            await world.kill(["two", "three", "four"][number])
            world.start(["three", "four", "five"][number], each, at_once=False)
            await asyncio.sleep(30)
        assert sorted(told(world)) == sorted(("raised", what) for what in first)
        for name in still_running(world):
            world.cluster.end(name)
        await asyncio.sleep(20)
        assert {what for state, what in told(world) if state == "over"} == set(first)
        await world.kill("five")
        world.start("six", each)
        await asyncio.sleep(30)
        assert world.crons["six"].leads()
        assert len(told(world)) == 6

    play(story)


def test_quiet_days_raise_no_alarm() -> None:
    async def story(world: World) -> list[News]:
        alarms = Alarms(late=30, running=600, silent=86400 * 1.5)
        world.start(
            "one", making.schedule("job", "17 3 * * *", alarms=alarms), poll=600.0, leading=900.0
        )
        await asyncio.sleep(3 * 86400)
        assert len(world.cluster.starts) == 3
        return world.news

    assert play(story) == []
