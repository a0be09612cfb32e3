"""A whole worker between a server that fails and a cluster whose runners die."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from steersman.client import Patience
from steersman.cluster.base import NoRoom, RunnerSpec, Seen, State
from steersman.cluster.fake import FakeCluster, FakeRunners, Life
from steersman.core.errors import Refused, SteersmanError, Unknown, UserError
from steersman.core.reports import Reason
from steersman.core.runners import CANCELLING, CREATING, LEAVING, STAGES, Note, Stage
from steersman.worker import Settings, Worker
from steersman.worker.following import Follower
from steersman.worker.memories import Memory
from tests.worker.serving import FakeServer

PATIENCE = 20.0


class Refusing(FakeCluster):
    """A cluster that makes no runner."""

    def __init__(self, error: SteersmanError) -> None:
        super().__init__()
        self.error = error

    async def create(self, spec: RunnerSpec) -> None:
        raise self.error


class Scene:
    """A server, what runs in the cluster, a clock, and one worker at a time."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.runners = FakeRunners()
        self.cluster = FakeCluster(self.runners)
        self.time = 1000.0
        self.worker: Worker | None = None
        self.running: asyncio.Task[None] | None = None

    def start(
        self,
        cluster: FakeCluster | None = None,
        slots: int = 4,
        *,
        pods: bool = False,
        gather: float = 0.0,
        renew_every: float = 0.01,
    ) -> Worker:
        self.cluster = cluster or FakeCluster(self.runners)
        settings = Settings(
            name="w1",
            server_url="http://ci.test",
            pools={"default": {"user": "ci"}},
            slots=slots,
            renew_every=renew_every,
            look_every=0.01,
            pods=pods,
            gather=gather,
        )
        pause = Patience(self._sleep, lambda: 1.0, lambda: self.time, first=0.001, most=0.01)
        client = self.server.client()
        self.worker = Worker(client, self.cluster, settings, now=lambda: self.time, pause=pause)
        self.running = asyncio.create_task(self.worker.run())
        return self.worker

    async def _sleep(self, seconds: float) -> None:
        await asyncio.wait({asyncio.ensure_future(self.server.moved.wait())}, timeout=seconds)

    async def ended(self) -> None:
        """Stop the worker, and see that it ends well."""
        assert self.worker is not None
        assert self.running is not None
        self.worker.stop()
        await self.running

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the worker go on until something holds."""
        while not holds():
            await self.cluster.changed(0.005)

    def states(self) -> dict[str, State]:
        return {name: each.state for name, each in self.runners.seen.items()}

    def finish(self, attempt: str) -> None:
        """Let a runner send its record and end."""
        self.server.over.add(attempt)
        self.cluster.end(attempt)


def play(work: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE):
            await work(Scene())

    asyncio.run(whole())


def test_what_is_queued_gets_a_runner_with_its_token_and_its_pool_s_settings() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: "a" in scene.runners.specs)
        expected = RunnerSpec("a", "token of a", "http://ci.test", "default", {"user": "ci"})
        assert scene.runners.specs["a"] == expected
        await scene.ended()

    play(work)


def test_never_more_than_the_slots_and_the_next_when_one_ends() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b", "c")
        scene.start(slots=2)
        await scene.until(lambda: len(scene.states()) == 2)
        scene.finish("a")
        await scene.until(lambda: set(scene.states()) == {"b", "c"})
        assert [each["take"] for each in scene.server.asked] == [2, 1]
        await scene.ended()

    play(work)


def test_a_doubled_grant_makes_one_runner() -> None:
    async def work(scene: Scene) -> None:
        scene.server.doubles = True
        scene.server.put("a", "b")
        scene.start()
        await scene.until(lambda: len(scene.states()) == 2)
        for name in "ab":
            scene.finish(name)
        await scene.until(lambda: not scene.states())
        assert sorted(scene.runners.made) == ["a", "b"]
        await scene.ended()

    play(work)


def test_a_runner_that_dies_is_reported_and_removed() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b")
        scene.start()
        await scene.until(lambda: len(scene.states()) == 2)
        # What was never seen running may only be late.
        await scene.until(lambda: len(scene.server.asked) == 2)
        scene.cluster.end("a")
        await scene.until(lambda: "a" not in scene.states())
        assert ("a", "lost", "runner-ended") in scene.server.reports
        assert scene.states() == {"b": State.RUNNING}
        await scene.ended()

    play(work)


def test_a_server_that_is_away_stops_nobody() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b")
        scene.start()
        await scene.until(lambda: len(scene.states()) == 2)
        scene.server.away = True
        scene.server.moved.set()
        scene.time += 3600.0
        scene.cluster.end("b")
        for _ in range(20):
            scene.server.moved.clear()
            await scene.server.moved.wait()
        assert scene.states() == {"a": State.RUNNING, "b": State.ENDED}
        assert scene.runners.told == []
        scene.server.away = False
        scene.server.put("c")
        await scene.until(lambda: set(scene.states()) == {"a", "c"})
        assert scene.server.reports == [("b", "lost", "runner-ended")]
        await scene.ended()

    play(work)


def test_the_next_worker_takes_over_what_goes_on_and_reports_what_died() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b", "c")
        scene.start()
        await scene.until(lambda: len(scene.states()) == 3)
        await scene.ended()
        assert set(scene.states().values()) == {State.RUNNING}
        scene.cluster.end("b")
        scene.finish("c")
        scene.server.put("d", "e", "f", "g")
        scene.start(slots=3)
        await scene.until(lambda: ("b", "lost", "runner-ended") in scene.server.reports)
        await scene.until(lambda: len(scene.runners.made) == 5)
        assert scene.states()["a"] is State.RUNNING
        assert scene.server.leases["a"] == 2
        assert "a" in scene.server.asked[-1]["holds"]
        assert scene.server.queue == ["f", "g"]
        await scene.ended()

    play(work)


def test_what_is_cancelled_hears_it_from_the_server_first_and_then_from_us() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: bool(scene.states()))
        scene.server.cancelled.add("a")
        while ("stop", "a") not in scene.runners.told:
            scene.time += CANCELLING / 10
            await scene.cluster.changed(0.01)
        await scene.until(lambda: not scene.states())
        assert scene.runners.told == [("stop", "a")]
        await scene.ended()

    play(work)


def test_what_is_cancelled_before_it_has_a_runner_is_given_back() -> None:
    async def work(scene: Scene) -> None:
        scene.server.cancelled.add("a")
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: bool(scene.server.reports))
        assert scene.server.reports == [("a", "released", "")]
        assert scene.runners.made == []
        await scene.ended()

    play(work)


def test_a_stubborn_runner_whose_attempt_is_over_is_stopped_then_killed() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start(FakeCluster(scene.runners, lambda spec: Life.STUBBORN))
        await scene.until(lambda: bool(scene.states()))
        scene.server.over.add("a")
        while scene.states():
            scene.time += LEAVING / 10
            await scene.cluster.changed(0.01)
        assert scene.runners.told == [("stop", "a"), ("kill", "a")]
        await scene.ended()

    play(work)


@pytest.mark.parametrize(
    ("error", "report"),
    [
        (NoRoom("exceeded quota"), ("a", "released", "")),
        (Refused("no such user"), ("a", "lost", "never-started")),
        (UserError("no such image"), ("a", "rejected", "")),
    ],
)
def test_what_can_never_run_here_is_said_so(
    error: SteersmanError, report: tuple[str, str, str]
) -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start(Refusing(error))
        await scene.until(lambda: bool(scene.server.reports))
        assert scene.server.reports == [report]
        await scene.ended()

    play(work)


def test_a_cluster_that_is_broken_for_long_gives_its_attempts_back() -> None:
    async def work(scene: Scene) -> None:
        scene.runners.broken = True
        scene.server.put("a")
        scene.start()
        while not scene.server.reports:
            scene.time += CREATING / 10
            await scene.cluster.changed(0.01)
        assert scene.server.reports == [("a", "released", "")]
        await scene.ended()

    play(work)


def test_what_a_pod_is_to_hold_is_passed_on_as_the_server_says_it() -> None:
    async def work(scene: Scene) -> None:
        scene.server.wanted["a"] = {"box": {"image": "node:20"}}
        scene.server.put("a")
        scene.start(pods=True)
        await scene.until(lambda: "a" in scene.runners.specs)
        assert scene.runners.specs["a"].wanted == {"box": {"image": "node:20"}}
        assert scene.server.asked[0]["pods"] is True
        await scene.ended()

    play(work)


def test_what_has_no_pod_is_rejected_in_the_server_s_words() -> None:
    async def work(scene: Scene) -> None:
        scene.server.refuses["a"] = "two services on port 6379"
        scene.server.put("a")
        scene.start(pods=True)
        await scene.until(lambda: bool(scene.server.reports))
        assert scene.server.reports == [("a", "rejected", "")]
        assert scene.runners.made == []
        await scene.ended()

    play(work)


def test_no_more_is_taken_than_could_begin() -> None:
    async def work(scene: Scene) -> None:
        scene.runners.room = 0
        scene.server.put("a", "b", "c")
        scene.start(slots=3)
        for _ in range(5):
            await scene.cluster.changed(0.02)
        assert scene.server.asked == []
        scene.runners.room = 2
        await scene.until(lambda: len(scene.states()) == 2)
        assert scene.server.asked[0]["take"] == 2
        await scene.ended()

    play(work)


def test_a_runner_of_another_worker_is_left_alone_and_takes_no_slot() -> None:
    async def work(scene: Scene) -> None:
        scene.server.others.add("theirs")
        await scene.cluster.create(RunnerSpec("theirs", "t", "u", "default"))
        scene.server.put("a")
        scene.start(slots=1)
        await scene.until(lambda: "a" in scene.states())
        for _ in range(10):
            scene.time += LEAVING
            await scene.cluster.changed(0.02)
        assert scene.states()["theirs"] is State.RUNNING
        assert scene.runners.told == []
        await scene.ended()

    play(work)


def test_an_attempt_that_another_took_meanwhile_is_let_go_with_its_runner_alive() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b")
        worker = scene.start(slots=2)
        await scene.until(lambda: len(scene.states()) == 2)
        scene.server.others.add("a")
        draining = asyncio.create_task(worker.drain())
        scene.finish("b")
        await draining
        assert scene.states()["a"] is State.RUNNING
        assert scene.runners.told == []
        assert all(name != "a" for name, *_ in scene.server.reports)
        await scene.running  # type: ignore[misc]

    play(work)


def test_what_does_not_begin_in_time_is_looked_at_anew_before_it_is_given_up() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: bool(scene.states()))
        placed = Seen("a", State.PENDING, stage=Stage.PLACED, node="n1")
        scene.runners.seen["a"] = placed
        while not scene.server.reports:
            scene.time += STAGES[Stage.PLACED] / 10
            await scene.cluster.changed(0.02)
        assert ("look", "a") in scene.runners.told
        assert scene.server.reports == [("a", "lost", Reason.NEVER_STARTED)]
        await scene.ended()

    play(work)


def test_the_server_hears_at_once_what_becomes_of_a_box_while_the_runner_runs() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: bool(scene.states()))
        note = Note("box-ended", "box", "killed for want of memory", Reason.OUT_OF_MEMORY)
        scene.runners.seen["a"] = Seen("a", State.RUNNING, 1.0, node="n1", notes=(note,))
        said = {
            "kind": "box-ended",
            "container": "box",
            "text": "killed for want of memory",
            "reason": "out-of-memory",
            "permanent": False,
        }
        await scene.until(
            lambda: any(
                each.get("notes") == [said] for r in scene.server.renewals for each in r["held"]
            )
        )
        (held,) = scene.server.renewals[-1]["held"]
        assert (held["phase"], held["node"]) == ("running", "n1")
        await scene.ended()

    play(work)


def test_between_renewals_the_server_hears_of_news_alone() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a", "b", "c")
        scene.start(renew_every=1000.0)
        await scene.until(lambda: len(scene.states()) == 3)
        scene.server.renewals.clear()
        note = Note("pulling", "box", "the node fetches the image x")
        scene.runners.seen["b"] = Seen("b", State.RUNNING, 1.0, node="n1", notes=(note,))
        await scene.until(lambda: bool(scene.server.renewals))
        assert [each["attempt"] for each in scene.server.renewals[0]["held"]] == ["b"]
        scene.server.away = True
        scene.runners.seen["c"] = Seen("c", State.RUNNING, 1.0, node="n1", notes=(note,))
        await scene.until(lambda: "/worker/v1/renew" in scene.server.missed)
        scene.server.away = False
        await scene.until(lambda: bool(scene.server.renewals[1:]))
        # What may have been lost on the way is said again with all the rest.
        assert len(scene.server.renewals[-1]["held"]) == 3
        await scene.ended()

    play(work)


def test_what_changes_shortly_after_a_first_change_is_looked_at_together() -> None:
    async def work(scene: Scene) -> None:
        waiting: list[float] = []
        over = asyncio.Event()

        async def sleep(seconds: float) -> None:
            waiting.append(seconds)
            await over.wait()

        memory, cluster = Memory(lambda: 0.0), FakeCluster()
        pause = Patience(sleep, lambda: 1.0, lambda: 0.0)
        follower = Follower(scene.server.client(), cluster, memory, pause, every=1000.0)
        watching = asyncio.create_task(follower.watch(gather=0.05))
        cluster.vanish("first")
        await memory.work.wait()
        memory.work.clear()
        for name in ("second", "third", "fourth"):
            cluster.vanish(name)
            await asyncio.sleep(0)
        assert not memory.work.is_set()
        over.set()
        await memory.work.wait()
        assert waiting[0] == 0.05
        watching.cancel()

    play(work)


def test_a_runner_that_is_slow_to_be_made_holds_up_no_other() -> None:
    class Slow(FakeCluster):
        async def create(self, spec: RunnerSpec) -> None:
            if spec.attempt == "slow":
                await asyncio.Event().wait()
            await super().create(spec)

    async def work(scene: Scene) -> None:
        scene.server.put("slow", "b")
        scene.start(Slow(scene.runners))
        await scene.until(lambda: "b" in scene.states())
        scene.cluster.end("b")
        await scene.until(lambda: "b" not in scene.states())
        assert scene.server.reports == [("b", "lost", "runner-ended")]
        await scene.ended()

    play(work)


def test_draining_waits_for_what_is_held_and_takes_no_more() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        worker = scene.start()
        await scene.until(lambda: bool(scene.states()))
        draining = asyncio.create_task(worker.drain())
        await asyncio.wait({draining}, timeout=0)
        scene.server.put("b")
        scene.finish("a")
        await draining
        assert scene.running is not None
        await scene.running
        assert scene.server.queue == ["b"]

    play(work)


def test_a_token_the_server_does_not_know_ends_the_worker_at_once() -> None:
    async def work(scene: Scene) -> None:
        scene.server.status = 401
        scene.start()
        assert scene.running is not None
        with pytest.raises(Unknown, match="not with this token"):
            await scene.running

    play(work)


def test_a_token_that_is_refused_later_ends_nothing() -> None:
    async def work(scene: Scene) -> None:
        scene.server.put("a")
        scene.start()
        await scene.until(lambda: bool(scene.states()))
        scene.server.status = 401
        scene.cluster.end("a")
        scene.server.moved.set()
        await scene.until(lambda: scene.server.refused > 3)
        assert scene.states() == {"a": State.ENDED}
        scene.server.status = None
        await scene.until(lambda: not scene.states())
        await scene.ended()

    play(work)


def test_an_answer_nobody_understands_is_an_absence(caplog: pytest.LogCaptureFixture) -> None:
    async def work(scene: Scene) -> None:
        scene.server.status = 200
        scene.start()
        await scene.until(lambda: "server_away" in caplog.text)
        scene.server.status = None
        scene.server.put("a")
        await scene.until(lambda: bool(scene.states()))
        assert "server_back: w1" in caplog.text
        await scene.ended()

    caplog.set_level(logging.INFO, logger="steersman.worker")
    play(work)
