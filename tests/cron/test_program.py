"""The program in virtual time: never early, never twice, and what it does about each trouble."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from steersman.core.errors import Unavailable
from steersman.core.schedules import timetables
from steersman.core.schedules.alarms import News
from steersman.core.schedules.fires import Fire, Kind, Outcome, Reason, State
from steersman.core.schedules.schedule import (
    Alarms,
    Catching,
    CatchUp,
    Overlap,
    Overlapping,
    Schedule,
    Stop,
)
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.base import Asking, Request, Wanted
from steersman.cron.ledger.memory import MemoryLedger
from steersman.cron.program import Cron
from steersman.cron.settings import Settings
from steersman.cron.times import Times
from steersman.cron.watching import Watchman
from tests.cron import making, virtual
from tests.cron.virtual import VirtualLoop


class World:
    """A ledger, a cluster and instances on one virtual clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.ledger = MemoryLedger(loop.now)
        self.cluster = FakeCluster(loop.now)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.crons: dict[str, Cron] = {}
        self.news: list[News] = []

    def start(self, name: str, *schedules: Schedule, at_once: bool = True, **more: Any) -> Cron:
        launcher = more.pop("launcher", None) or FakeLauncher(self.cluster, ends_at_once=at_once)
        body = more.pop("body", {})
        settings = Settings(name, **more)
        cron = Cron(self.ledger, launcher, settings, self.loop.times(), Watchman(self._hear))
        cron.configure(making.entries(*schedules, **body))
        self.crons[name] = cron
        self.tasks[name] = self.loop.create_task(cron.run())
        return cron

    async def _hear(self, news: News) -> None:
        self.news.append(news)

    async def kill(self, name: str) -> None:
        self.tasks[name].cancel()
        await asyncio.gather(self.tasks.pop(name), return_exceptions=True)

    async def end(self) -> None:
        for name in list(self.tasks):
            await self.kill(name)

    async def ask(self, asking: Asking, schedule: str, **more: Any) -> None:
        number = str(self.loop.time())
        await self.ledger.ask(
            Request(number, asking, schedule, "ann", "so", self.loop.now(), **more)
        )

    async def rows(self, schedule: str = "job") -> list[Fire]:
        return (await self.ledger.rows(Wanted(schedule, limit=100_000)))[::-1]


def play(story: Callable[[World], Any]) -> Any:
    """Run a story in a world of its own."""

    async def main(loop: VirtualLoop) -> Any:
        world = World(loop)
        try:
            return await story(world)
        finally:
            await world.end()

    return virtual.run(main)


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


def _still_running(world: World) -> list[str]:
    return [run.name for run in world.cluster.runs.values() if run.outcome is Outcome.RUNNING]


def test_overlap_forbid_skips_and_says_so() -> None:
    async def story(world: World) -> list[Fire]:
        each = making.schedule("job", "*/10 * * * * *", overlap=Overlap(Overlapping.FORBID))
        world.start("one", each, at_once=False)
        await asyncio.sleep(35)
        assert len(_still_running(world)) == 1
        world.cluster.end(_still_running(world)[0])
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
        assert len(_still_running(world)) == 1
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
            running = _still_running(world)
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
        (name,) = _still_running(world)
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
            (name,) = _still_running(world)
            run = world.cluster.runs[name]
            world.cluster.put(run._replace(outcome=Outcome.LOST, message="node-1 is gone"))
            await asyncio.sleep(2)
        world.cluster.end(_still_running(world)[0])
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
            for name in _still_running(world):
                world.cluster.end(name, Outcome.FAILED)
        (cursor,) = await world.ledger.cursors()
        told = [str(alarm.what) for news in world.news for alarm in news.raised]
        return await world.rows(), cursor, told

    rows, cursor, told = play(story)
    assert [row.state for row in rows[:3]] == [State.FIRED, State.FIRED, State.SKIPPED]
    assert cursor.pause.reason == "stopped after 2 failures in a row"
    assert "stopped" in told


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
                for name in _still_running(world):
                    world.cluster.end(name)
        return said

    said = play(story)
    first = {(state, what): at for state, what, at in reversed(said)}
    assert 300 <= first["raised", "no-success"] <= 331
    assert ("raised", "running-too-long") in first
    assert ("over", "running-too-long") in first
    assert ("over", "no-success") in first


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
        world.start("one", each, launcher=launcher, rate=0)
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
