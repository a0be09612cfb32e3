"""What workers that make pods are told, and what they tell: on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select, update

from steersman.cluster.kubernetes import names
from steersman.core import deadlines
from steersman.core.reports import Reason
from steersman.server import listening
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import attempts, settings
from tests.server.conftest import Repository
from tests.server.kept import Attempt, Shop, shop

SECRET = "b5c1c8f4a7"
FILE = """\
box: {id: "node:$VERSION", env: {KEY: $PASSWORD, A: b}}
services:
  - {id: postgres, env: {POSTGRES_PASSWORD: $PASSWORD}}
build:
  resources: {memory: 1Gi}
  steps: [{script: {code: echo}}]
deploy:
  steps: [{script: {code: echo}}]
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
"""
CLASH = """\
box: busybox
services:
  - redis
  - {id: redis, name: other}
build:
  retries: 3
  steps: [{script: {code: echo}}]
"""
PULLS = {"kind": "pulling", "container": "box", "text": "pulling node:20"}


class Worker(NamedTuple):
    """A worker that makes pods in the shop, by its *name*."""

    shop: Shop
    name: str = "w"

    async def say(self, what: str, **body: Any) -> Any:
        here = self.shop.here
        told = {"worker": self.name, **body} if what != "report" else body
        answer = await here.call("POST", f"/worker/v1/{what}", told, token=here.worker)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def lease(self, **more: Any) -> Any:
        asked = {"pools": ["default"], "capabilities": [], "slots": 9, "take": 1, "wait": 0.0}
        [granted] = (await self.say("lease", **asked, pods=True, **more))["granted"]
        return granted

    async def renew(self, granted: Any, **more: Any) -> Any:
        held = {"attempt": granted["attempt"], "lease": granted["lease"], "phase": "preparing"}
        return await self.say("renew", held=[held | more], adopt=[], pods=True)

    async def report(self, granted: Any, kind: str, **more: Any) -> None:
        said = {"attempt": granted["attempt"], "lease": granted["lease"], "kind": kind}
        await self.say("report", **said, **more)


def in_shop(
    test: Callable[[Shop], Awaitable[None]],
) -> Callable[[Platform, Repository], None]:
    """Make a test of what is tried in a shop, on each database."""

    def run(platform_on: Platform, repository: Repository) -> None:
        async def tried() -> None:
            async with shop(platform_on, repository) as opened:
                await test(opened)

        asyncio.run(tried())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def push(shop: Shop, file: str = FILE) -> None:
    """Let a run of *file* be queued."""
    shop.repository.commit({"wercker.yml": file})
    body = {"kind": "push", "branch": "main", "variables": {"VERSION": "20"}}
    assert (await shop.call("POST", "projects/shop/triggers", json=body)).status_code == 202
    await shop.here.plan()


async def tries(shop: Shop) -> list[Any]:
    """Return the attempts of the newest run's first job."""
    return list((await shop.get("runs/shop/1")).json()["jobs"][0]["attempts"])


def runner(shop: Shop, granted: Any) -> Attempt:
    return Attempt(shop.here, granted["attempt"], granted["token"])


@in_shop
async def test_a_worker_that_makes_pods_is_told_what_each_holds(shop: Shop) -> None:
    body = {"value": SECRET}
    assert (await shop.call("PUT", "projects/shop/secrets/PASSWORD", json=body)).status_code < 300
    await push(shop)
    granted = await Worker(shop).lease()
    wanted = granted["wanted"]
    assert wanted["box"]["image"] == "docker.io/library/node:20"
    assert wanted["box"]["env"]["A"] == "b"
    assert wanted["box"]["env"]["POSTGRES_PORT"] == "tcp://127.0.0.1:5432"
    assert "KEY" not in wanted["box"]["env"]
    [service] = wanted["services"]
    assert service["secret_env"] == {"POSTGRES_PASSWORD": SECRET}
    assert SECRET not in repr({**wanted, "services": [{**service, "secret_env": {}}]})
    assert wanted["resources"] == {"memory": "1024Mi"}
    assert wanted["labels"] == {
        "project": "shop", "run": "1", "job": "build", "pipeline": "build", "attempt": "1",
    }  # fmt: skip
    assert (wanted["avoid"], wanted["repeatable"], wanted["docker"]) == ([], True, False)


@in_shop
async def test_all_workers_are_told_the_same_installation_and_nobody_else_is(shop: Shop) -> None:
    here, path = shop.here, "/worker/v1/installation"
    first, again = [await here.call("GET", path, token=here.worker) for _ in range(2)]
    assert first.json() == again.json()
    assert names.label(first.json()["id"]), "it is the value of a label"
    assert (await here.call("GET", path)).status_code == 403


@in_shop
async def test_who_adopts_a_pod_is_told_too_and_others_are_not(shop: Shop) -> None:
    await push(shop)
    granted = await Worker(shop).lease()
    renewed = await Worker(shop).say("renew", held=[], adopt=[granted["attempt"]], pods=True)
    assert renewed["adopted"][0]["wanted"] == granted["wanted"]
    assert renewed["adopted"][0]["token"] == granted["token"]
    silent = await Worker(shop).say("renew", held=[], adopt=[granted["attempt"]])
    assert "wanted" not in silent["adopted"][0]


@in_shop
async def test_what_no_pod_can_hold_is_refused_with_its_line_and_never_repeated(
    shop: Shop,
) -> None:
    await push(shop, CLASH)
    worker = Worker(shop)
    granted = await worker.lease()
    assert granted["wanted"] is None
    assert granted["refused"].startswith("wercker.yml:4:")
    await worker.report(granted, "rejected", message=granted["refused"])
    [only] = (await tries(shop))[:1]
    assert (only["state"], only["reason"]) == ("failed", "rejected")
    assert "6379" in only["message"]


@in_shop
async def test_what_a_worker_sees_reaches_the_runner_and_people(shop: Shop) -> None:
    await push(shop)
    worker = Worker(shop)
    granted = await worker.lease()
    await worker.renew(granted, node="n1", notes=[PULLS])
    job = (await shop.get("runs/shop/1")).json()["jobs"][0]
    assert job["why"] == "the worker w prepares it on the node n1: pulling node:20"
    mine = runner(shop, granted)
    await mine.say("POST", "started", json={"runner": "r"})
    beat = {"runner": "r", "wait": 15.0, "notes": []}
    assert (await mine.say("POST", "heartbeat", json=beat)).json() == {
        "cancel": None,
        "notes": [PULLS],
    }
    ended = {
        "kind": "pod-ending", "container": "", "text": "evicted: disk", "reason": "evicted",
        "permanent": False,
    }  # fmt: skip
    waits = asyncio.ensure_future(mine.say("POST", "heartbeat", json={**beat, "notes": [PULLS]}))
    # It waits for news: only the renewal ends it before its time.
    assert not (await asyncio.wait({waits}, timeout=0))[0]
    await worker.renew(granted, phase="running", notes=[PULLS, ended])
    said = (await waits).json()["notes"]
    assert said == [PULLS, {key: value for key, value in ended.items() if key != "permanent"}]
    [running] = await tries(shop)
    assert running["node"] == "n1"
    assert [each["text"] for each in running["notes"]] == ["pulling node:20", "evicted: disk"]


@in_shop
async def test_an_attempt_that_ends_before_its_worker_says_more_has_its_node(shop: Shop) -> None:
    await push(shop)
    granted = await Worker(shop).lease()
    mine = runner(shop, granted)
    await mine.say("POST", "started", json={"runner": "r", "where": "pod", "node": "n7"})
    await mine.end("failed")
    assert (await tries(shop))[0]["node"] == "n7"


@in_shop
async def test_a_secret_in_the_log_of_a_service_is_never_shown(shop: Shop) -> None:
    for name, value in (("PASSWORD", SECRET), ("KEY", f"-----KEY\n\t{SECRET}2\n")):
        body = {"value": value}
        assert (await shop.call("PUT", f"projects/shop/secrets/{name}", json=body)).is_success
    await push(shop)
    worker = Worker(shop)
    granted = await worker.lease()
    words = f"the service redis ended; its last words: no {SECRET} | {SECRET}2 | -----KEY {SECRET}2"
    note = {"kind": "service-ended", "container": "redis", "text": words}
    await runner(shop, granted).say("POST", "started", json={"runner": "r"})

    async def shown() -> str:
        [attempt] = await tries(shop)
        assert "its last words: no ***" in repr(attempt)
        told = await runner(shop, granted).say("POST", "heartbeat", json={"runner": "r"})
        return repr((attempt, told.json(), (await shop.get("runs/shop/1")).text))

    for _ in range(2):
        await worker.renew(granted, phase="running", node="n1", notes=[note])
        assert SECRET not in await shown()
    await worker.report(granted, "lost", message=f"its runner ended: {SECRET}")
    assert SECRET not in await shown()
    await worker.renew(granted, phase="running", notes=[])
    ended = {"runner": "r", "state": "stopped", "log_size": 0}
    await runner(shop, granted).say("POST", "record", json=ended)
    assert SECRET not in repr(await tries(shop))


@in_shop
async def test_a_loss_is_told_without_secrets(shop: Shop) -> None:
    body = {"value": SECRET}
    assert (await shop.call("PUT", "projects/shop/secrets/PASSWORD", json=body)).is_success
    await push(shop)
    worker = Worker(shop)
    granted = await worker.lease()
    await worker.report(granted, "lost", message=f"the runner could not prepare: {SECRET}")
    lost, _ = await tries(shop)
    assert lost["message"] == "the runner could not prepare: ***"


@in_shop
async def test_a_runner_nobody_watches_hears_of_no_notes(shop: Shop) -> None:
    attempt = await shop.push()
    answer = await attempt.say("POST", "heartbeat", json={"runner": "r", "notes": []})
    assert answer.json() == {"cancel": None}


@in_shop
async def test_a_worker_learns_what_is_anothers_and_what_is_over(shop: Shop) -> None:
    await push(shop)
    slow, other = Worker(shop, "slow"), Worker(shop, "other")
    granted = await slow.lease()
    found = {"held": [], "adopt": [granted["attempt"], "nobody"], "pods": True}
    answer = await other.say("renew", **found)
    assert (answer["others"], answer["gone"], answer["adopted"]) == (
        [granted["attempt"]], ["nobody"], [],
    )  # fmt: skip
    late = update(attempts).values(lease_until=1.0)
    await shop.here.parts.store.write(lambda tx: tx.execute(late))
    [adopted] = (await other.say("renew", **found))["adopted"]
    answer = await slow.renew(granted)
    assert (answer["others"], answer["gone"]) == ([granted["attempt"]], [])
    mine = runner(shop, granted)
    await mine.say("POST", "started", json={"runner": "r"})
    await mine.end()
    for worker, lease in ((slow, granted), (other, adopted)):
        assert (await worker.renew(lease))["gone"] == [granted["attempt"]]
    assert granted["attempt"] in (await other.say("renew", **found))["gone"]


async def _wait_on_the_node(shop: Shop, granted: Any, seconds: float) -> None:
    """Let that many seconds pass since the attempt was placed."""
    which = update(attempts).where(attempts.c.id == granted["attempt"])
    back = which.values(placed=attempts.c.placed - seconds, due=attempts.c.due - seconds)
    await shop.here.parts.store.write(lambda tx: tx.execute(back))


async def _listening_for_long(shop: Shop) -> None:
    """Let silence count: the server has been up for a while."""

    def note(tx: Transaction) -> None:
        listening.listening_since(tx)
        long = [tx.now - 1000, tx.now]
        tx.execute(update(settings).where(settings.c.name == listening.NAME).values(value=long))

    await shop.here.parts.store.write(note)


@in_shop
async def test_a_sick_node_costs_half_a_minute_and_the_next_attempt_avoids_it(shop: Shop) -> None:
    await push(shop)
    queue, worker = shop.here.parts.queue, Worker(shop)
    await _listening_for_long(shop)
    granted = await worker.lease()
    await worker.renew(granted, node="n1")
    assert await queue.expire() == 0
    await _wait_on_the_node(shop, granted, deadlines.DEFAULT.scheduled)
    assert await queue.expire() == 1
    lost, again = await tries(shop)
    assert (lost["state"], lost["reason"], lost["node"]) == ("errored", "never-started", "n1")
    assert "n1" in lost["message"]
    assert again["state"] == "queued"
    assert (await worker.lease(holds=[]))["wanted"]["avoid"] == ["n1"]


@in_shop
async def test_a_node_that_starts_others_is_not_sick(shop: Shop) -> None:
    await push(shop)
    await push(shop)
    await _listening_for_long(shop)
    queue, worker = shop.here.parts.queue, Worker(shop)
    slow, quick = await worker.lease(), await worker.lease()
    for granted in (slow, quick):
        await worker.renew(granted, node="n1")
    await runner(shop, quick).say("POST", "started", json={"runner": "r"})
    await _wait_on_the_node(shop, slow, deadlines.DEFAULT.scheduled)
    assert await queue.expire() == 0
    due = select(attempts.c.due).where(attempts.c.id == slow["attempt"])
    started = select(attempts.c.started).where(attempts.c.id == quick["attempt"])

    def look(tx: Transaction) -> tuple[float, float]:
        return tx.value(due), tx.value(started)

    at, began = await shop.here.parts.store.read(look)
    assert at == pytest.approx(began + deadlines.DEFAULT.scheduled)


@in_shop
async def test_a_loss_that_would_happen_again_is_not_repeated_by_us(shop: Shop) -> None:
    await push(shop)
    worker = Worker(shop)
    granted = await worker.lease()
    said = {"reason": Reason.IMAGE_UNAVAILABLE, "message": "no such image: node:20", "node": "n2"}
    await worker.report(granted, "lost", permanent=True, **said)
    [only] = await tries(shop)
    assert (only["state"], only["reason"], only["node"]) == ("failed", "image-unavailable", "n2")
    assert only["message"] == "no such image: node:20"


@in_shop
async def test_a_lost_node_is_repeated_elsewhere(shop: Shop) -> None:
    await push(shop)
    worker = Worker(shop)
    granted = await worker.lease()
    await worker.report(granted, "lost", reason=Reason.NODE_LOST, node="n2")
    again = await worker.lease()
    assert (again["number"], again["wanted"]["avoid"]) == (2, ["n2"])


@in_shop
async def test_a_runner_knows_whether_its_job_may_run_twice_and_how_long_silence_may_be(
    shop: Shop,
) -> None:
    await push(shop)
    for repeatable in (True, False):
        granted = await Worker(shop).lease()
        assert granted["wanted"]["repeatable"] is repeatable
        mine = runner(shop, granted)
        spec = (await mine.say("POST", "started", json={"runner": "r"})).json()
        assert spec["settings"]["repeatable"] is repeatable
        assert spec["settings"]["fencing"] == deadlines.DEFAULT.silence
        await mine.leave(b"")
        await mine.end()
