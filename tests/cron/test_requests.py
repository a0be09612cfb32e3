"""What people ask of the leader: pauses, starts by hand, a past that is filled."""

from __future__ import annotations

import asyncio

from steersman.core.errors import Unavailable
from steersman.core.schedules.fires import Fire, Kind, State
from steersman.cron.ledger.base import Asking, Changes
from tests.cron import making
from tests.cron.worlds import World, play


def test_paused_time_is_skipped_and_never_missed() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "*/10 * * * * *"))
        await asyncio.sleep(21)
        await world.ask(Asking.PAUSE, "job")
        await asyncio.sleep(300)
        await world.kill("one")
        await asyncio.sleep(3000)
        world.start("two", making.schedule("job", "*/10 * * * * *"))
        await asyncio.sleep(20)
        await world.ask(Asking.RESUME, "job")
        await asyncio.sleep(25)
        return await world.rows()

    rows = play(story)
    assert {row.state for row in rows} == {State.FIRED, State.SKIPPED}
    assert rows[-1].state is State.FIRED
    instants = making.stood_for(rows, making.schedule("job", "*/10 * * * * *"))
    assert instants == list(range(instants[0], instants[-1] + 10, 10))


def test_a_pause_with_an_end_ends_by_itself() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "*/10 * * * * *"))
        await asyncio.sleep(11)
        await world.ask(Asking.PAUSE, "job", until=world.loop.now() + 45)
        await asyncio.sleep(90)
        return await world.rows()

    states = [row.state for row in play(story)]
    assert states[0] is State.FIRED
    assert states.count(State.SKIPPED) == 4
    assert states[-1] is State.FIRED


def test_a_start_by_hand_has_an_identity_of_its_own() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "0 0 1 1 *"))
        await asyncio.sleep(5)
        await world.ask(Asking.TRIGGER, "job")
        await world.ask(Asking.TRIGGER, "job")
        await asyncio.sleep(0.1)
        await world.ask(Asking.TRIGGER, "job")
        await asyncio.sleep(5)
        return await world.rows()

    rows = play(story)
    assert [row.kind for row in rows] == [Kind.MANUAL, Kind.MANUAL]
    assert len({row.instant for row in rows}) == 2
    assert {row.by for row in rows} == {"ann"}


def test_the_past_is_filled_once() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "0 0 1 1 *"))
        await asyncio.sleep(5)
        for _ in range(2):
            await world.ask(Asking.BACKFILL, "job", instants=(1_700_000_000, 1_700_000_060))
            await asyncio.sleep(3)
        return await world.rows()

    rows = play(story)
    assert [(row.kind, row.instant) for row in rows] == [
        (Kind.BACKFILL, 1_700_000_000),
        (Kind.BACKFILL, 1_700_000_060),
    ]
    assert {row.state for row in rows} == {State.FIRED}


def test_a_request_is_carried_out_once_though_the_ledger_is_away_meanwhile() -> None:
    async def story(world: World) -> list[Fire]:
        world.start("one", making.schedule("job", "0 0 1 1 *"))
        await asyncio.sleep(5)
        write = world.ledger.write

        async def away(fence: int, changes: Changes) -> None:
            raise Unavailable("the ledger is away")

        world.ledger.write = away  # type: ignore[method-assign]
        await world.ask(Asking.TRIGGER, "job")
        await asyncio.sleep(8)
        world.ledger.write = write  # type: ignore[method-assign]
        await asyncio.sleep(5)
        assert await world.ledger.requests() == []
        return await world.rows()

    assert [row.state for row in play(story)] == [State.FIRED]
