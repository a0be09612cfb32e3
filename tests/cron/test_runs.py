"""What runs decide about those after them: overlap, sick nodes, lost runs, failures in a row."""

from __future__ import annotations

import asyncio
from typing import Any

from steersman.core.schedules.fires import Fire, Outcome, Reason, State
from steersman.core.schedules.schedule import (
    Overlap,
    Overlapping,
    Stop,
)
from tests.cron import making
from tests.cron.worlds import World, play, still_running


def test_overlap_forbid_skips_and_says_so() -> None:
    async def story(world: World) -> list[Fire]:
        each = making.schedule("job", "*/10 * * * * *", overlap=Overlap(Overlapping.FORBID))
        world.start("one", each, at_once=False)
        await asyncio.sleep(35)
        assert len(still_running(world)) == 1
        world.cluster.end(still_running(world)[0])
        await asyncio.sleep(10)
        return await world.rows()

    rows = play(story)
    assert [row.state for row in rows] == [State.FIRED, State.SKIPPED, State.SKIPPED, State.FIRED]
    assert rows[1].reason is Reason.OVERLAP


def test_overlap_replace_ends_the_one_before() -> None:
    async def story(world: World) -> list[Fire]:
        each = making.schedule("job", "*/10 * * * * *", overlap=Overlap(Overlapping.REPLACE))
        world.start("one", each, at_once=False)
        await asyncio.sleep(35)
        assert len(still_running(world)) == 1
        return await world.rows()

    rows = play(story)
    assert [row.outcome for row in rows] == [Outcome.FAILED] * (len(rows) - 1) + [Outcome.RUNNING]


def test_buffer_one_lets_one_wait_and_group_keeps_two_schedules_apart() -> None:
    async def story(world: World) -> tuple[list[Fire], int]:
        kept: dict[str, Any] = {"overlap": Overlap(Overlapping.BUFFER_ONE), "group": "database"}
        world.start(
            "one", making.schedule("job", "*/10 * * * * *", **kept),
            making.schedule("other", "*/10 * * * * *", **kept), at_once=False,
        )  # fmt: skip
        most = 0
        for _ in range(60):
            await asyncio.sleep(1)
            running = still_running(world)
            most = max(most, len(running))
            if running and world.loop.time() % 7 < 1:
                world.cluster.end(running[0])
        return await world.rows() + await world.rows("other"), most

    rows, most = play(story)
    assert most == 1
    assert Reason.BUFFER_FULL in {row.reason for row in rows}
    assert {row.schedule for row in rows if row.state is State.FIRED} == {"job", "other"}


def test_a_predecessor_stuck_on_a_sick_node_holds_up_nobody() -> None:
    async def story(world: World) -> list[Fire]:
        each = making.schedule("job", "0 * * * * *", overlap=Overlap(Overlapping.FORBID))
        world.start("one", each, at_once=False)
        await asyncio.sleep(65)
        (name,) = still_running(world)
        run = world.cluster.runs[name]
        world.cluster.put(run._replace(sick=True, terminating=world.loop.now()))
        await asyncio.sleep(190)
        return await world.rows()

    states = [row.state for row in play(story)]
    assert states[:2] == [State.FIRED, State.SKIPPED]
    assert states[-1] is State.FIRED


def test_a_run_lost_with_its_node_is_launched_again_under_its_instant() -> None:
    async def story(world: World) -> tuple[list[Fire], World]:
        each = making.schedule("job", "0 * * * * *", attempts=3, stop=Stop(failures=1))
        world.start("one", each, at_once=False)
        await asyncio.sleep(65)
        for _ in range(2):
            (name,) = still_running(world)
            run = world.cluster.runs[name]
            world.cluster.put(run._replace(outcome=Outcome.LOST, message="node-1 is gone"))
            await asyncio.sleep(2)
        world.cluster.end(still_running(world)[0])
        await asyncio.sleep(2)
        return await world.rows(), world

    rows, world = play(story)
    assert [(row.attempt, row.outcome) for row in rows] == [(3, Outcome.SUCCEEDED)]
    assert len(world.cluster.starts) == 3


def test_a_schedule_stops_after_failures_in_a_row_and_says_why() -> None:
    async def story(world: World) -> tuple[list[Fire], Any, list[str]]:
        each = making.schedule("job", "*/10 * * * * *", stop=Stop(failures=2))
        world.start("one", each, at_once=False)
        for _ in range(60):
            await asyncio.sleep(1)
            for name in still_running(world):
                world.cluster.end(name, Outcome.FAILED)
        (cursor,) = await world.ledger.cursors()
        told = [str(alarm.what) for news in world.news for alarm in news.raised]
        return await world.rows(), cursor, told

    rows, cursor, told = play(story)
    assert [row.state for row in rows[:3]] == [State.FIRED, State.FIRED, State.SKIPPED]
    assert cursor.pause.reason == "stopped after 2 failures in a row"
    assert "stopped" in told
