"""What is noted when states change: for whom it is meant, once, and with whose words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from steersman.core import runs
from steersman.core.errors import Refused
from steersman.core.reports import Failed, Leased, Reason, Started
from steersman.server import moving
from steersman.server.moving import Rules
from steersman.server.outgoing import noting
from steersman.server.queue import Queue
from steersman.store import runs as run_rows
from steersman.store.base import Transaction
from steersman.store.runs import Placed
from steersman.store.tables import attempts
from steersman.store.tables import runs as run_table
from tests.server.outgoing.stages import COMMIT, PROJECT, RING, Stage, status, webhook

HOOK = webhook("https://hooks.example/ci")


def told(rows: Any) -> list[tuple[str, bool]]:
    return [(row["message"]["change"]["state"], row["message"]["change"]["fixed"]) for row in rows]


def test_a_change_that_is_noted_twice_is_one_message(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project(HOOK, status())
        run = await stage.run()
        await stage.change(run, "failed", times=2)
        assert sorted(row["kind"] for row in await stage.messages()) == ["status", "webhook"]

    asyncio.run(scenario())


def test_a_run_that_goes_on_after_an_approval_has_not_started_again(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project(HOOK)
        run = await stage.run()
        for state in ("running", "approval", "running", "failed"):
            await stage.change(run, state)
        assert [state for state, _ in told(await stage.messages())] == ["failed", "running"]

    asyncio.run(scenario())


def test_a_job_that_waits_for_approval_is_told_once(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project(HOOK, status())
        run = await stage.run()
        await stage.change(run, "approval", job="deploy", times=2)
        assert (await stage.only())["message"]["change"]["job"] == "deploy"

    asyncio.run(scenario())


def test_nobody_is_told_where_nobody_wants_to_hear(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project({"id": "m", "kind": "slack"}, webhook("https://h/", branches=["v*"]))
        run = await stage.run()
        await stage.change(run, "running")
        await stage.change(run, "succeeded")
        assert await stage.messages() == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("before", "fixed"),
    [
        ([], False),
        ([("failed", {})], True),
        ([("errored", {})], True),
        ([("failed", {}), ("succeeded", {})], False),
        ([("failed", {}), ("cancelled", {})], True),
        ([("failed", {}), ("running", {})], True),
        ([("failed", {"branch": "other"})], False),
        ([("failed", {"name": "deploy"})], False),
        ([("failed", {"cause": {"kind": "pull-request", "number": 7}})], False),
    ],
)
def test_a_success_is_news_only_after_a_failure(
    stage: Stage, before: list[tuple[str, dict[str, Any]]], fixed: bool
) -> None:
    async def scenario() -> None:
        await stage.project(HOOK)
        for state, columns in before:
            stage.clock.time += 1
            await stage.run(state, **columns)
        stage.clock.time += 1
        await stage.change(await stage.run(), "succeeded")
        assert told(await stage.messages()) == [("succeeded", fixed)]

    asyncio.run(scenario())


def test_what_really_happens_to_a_run_is_noted_with_the_words_of_its_job(stage: Stage) -> None:
    rules = Rules(stage.clock.new_id, told=noting.note)
    queue = Queue(stage.store, rules)
    run = runs.Run(stage.clock.new_id(), (runs.Job("build", "build"),), created=stage.clock.time)
    row = {"project_id": PROJECT, "number": 1, "name": "build", "branch": "main"}
    row |= {"commit": COMMIT, "cause": {"kind": "push"}, "group": "", "priority": 0}

    def begin(tx: Transaction) -> None:
        run_rows.add(tx, run, row, {"build": Placed("default", ())})
        stored = run_rows.load(tx, run.id)
        assert stored is not None
        moving.start(tx, stored, rules)

    async def fail_and_pass() -> None:
        attempt = await stage.store.read(lambda tx: tx.value(select(attempts.c.id)))
        await queue.report(attempt, Leased(1, "w", stage.clock.time + 60))
        await queue.report(attempt, Started(1, "r1"))
        message = "step test: exit code 1"
        await queue.report(attempt, Failed(1, "r1", Reason.STEP_FAILED, message))

    async def scenario() -> None:
        await stage.project(HOOK)
        await stage.store.write(begin)
        await fail_and_pass()
        query = select(run_table.c.state).where(run_table.c.id == run.id)
        assert await stage.store.read(lambda tx: tx.value(query)) == "failed"
        whys = {
            row["message"]["change"]["state"]: row["message"]["change"]["why"]
            for row in await stage.messages()
        }
        assert whys == {"running": "", "failed": "step test: exit code 1"}

    asyncio.run(scenario())


def test_the_secret_of_a_target_opens_for_no_other() -> None:
    sealed = noting.seal_target(RING, PROJECT, {"id": "s", "kind": "status"}, "hush")
    assert "hush" not in str(sealed)
    assert noting.open_target(RING, PROJECT, sealed) == "hush"
    for other in ({**sealed, "id": "t"}, {**sealed, "sealed": "?"}):
        with pytest.raises(Refused, match="notify/"):
            noting.open_target(RING, PROJECT, other)
    assert noting.open_target(RING, PROJECT, {"id": "s"}) == ""
