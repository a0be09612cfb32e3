"""A forge hears the states of a run in their order, and never an older one after a newer."""

from __future__ import annotations

import asyncio

import pytest

from steersman.server.outgoing.sending import CLAIM
from tests.server.outgoing.neighbours import OK, Web, answer, web
from tests.server.outgoing.stages import COMMIT, Stage, status


async def begin(stage: Stage, there: Web) -> str:
    """Make a project whose repository is at the forge *there*, and a run of it."""
    repository = f"{there.url}/shop/api.git"
    await stage.project(status(), repository=repository, forge="gitea")
    return await stage.run()


def said(there: Web) -> list[str]:
    return [heard.json["state"] for heard in there.heard]


def test_a_status_says_what_where_and_who_we_are(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            await stage.change(run, "queued")
            await stage.send()
        [heard] = there.heard
        assert heard.path == f"/api/v1/repos/shop/api/statuses/{COMMIT}"
        assert heard.headers["authorization"] == "token hush"
        assert heard.json == {
            "state": "pending",
            "context": "ci/steersman/push/build",
            "description": "queued",
            "target_url": f"https://ci.example/runs/{run}",
        }

    asyncio.run(scenario())


def test_each_state_is_told_in_its_turn(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            for state in ("queued", "running", "cancelling", "cancelled"):
                await stage.change(run, state)
                await stage.send()
        # Gitea knows no running: what it shows already is no harm.
        assert said(there) == ["pending", "pending", "error"]

    asyncio.run(scenario())


def test_of_states_that_wait_together_only_the_newest_is_told(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            for state in ("queued", "running", "succeeded"):
                await stage.change(run, state)
            await stage.send()
        assert said(there) == ["success"]
        assert sorted(await stage.states()) == ["sent", "superseded", "superseded"]

    asyncio.run(scenario())


def test_an_older_state_that_failed_is_not_tried_after_a_newer(stage: Stage) -> None:
    async def scenario() -> None:
        async with web(answer(500), OK) as there:
            run = await begin(stage, there)
            await stage.change(run, "queued")
            await stage.send()
            await stage.change(run, "failed")
            await stage.send()
            stage.clock.time += CLAIM
            await stage.send()
        assert said(there) == ["pending", "failure"]
        assert await stage.states() == ["superseded", "sent"]

    asyncio.run(scenario())


def test_a_newer_state_waits_for_the_older_that_is_on_its_way(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            there.may_answer.clear()
            await stage.change(run, "queued")
            first = asyncio.create_task(stage.send())
            await there.arrived.wait()
            await stage.change(run, "failed")
            await stage.send()
            assert said(there) == ["pending"]
            there.may_answer.set()
            await first
            stage.clock.time += 1
            await stage.send()
        assert said(there) == ["pending", "failure"]

    asyncio.run(scenario())


def test_a_state_lost_with_its_server_does_not_hold_up_the_next_for_ever(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            there.may_answer.clear()
            await stage.change(run, "queued")
            killed = asyncio.create_task(stage.send())
            await there.arrived.wait()
            killed.cancel()
            await asyncio.gather(killed, return_exceptions=True)
            there.may_answer.set()
            await stage.change(run, "failed")
            stage.clock.time += CLAIM
            await stage.send()
        assert said(there) == ["pending", "failure"]
        assert await stage.states() == ["superseded", "sent"]

    asyncio.run(scenario())


def test_a_run_that_is_done_once_more_does_not_go_back(stage: Stage) -> None:
    async def scenario() -> None:
        async with web() as there:
            run = await begin(stage, there)
            for state in ("failed", "running", "succeeded"):
                await stage.change(run, state)
                await stage.send()
        assert said(there) == ["failure", "success"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("code", "state", "why"),
    [(401, "failed", "does not know the token"), (503, "waiting", "answers with 503")],
)
def test_what_the_forge_answers_is_kept(stage: Stage, code: int, state: str, why: str) -> None:
    async def scenario() -> None:
        async with web(answer(code)) as there:
            await stage.change(await begin(stage, there), "queued")
            await stage.send()
        message = await stage.only()
        assert message["state"] == state
        assert why in message["answer"]

    asyncio.run(scenario())


def test_a_repository_at_no_forge_is_said(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.project(status(), repository="https://git.example/shop/api")
        await stage.change(await stage.run(), "queued")
        await stage.send()
        message = await stage.only()
        assert (message["state"], message["tries"]) == ("failed", 1)
        assert "at no forge" in message["answer"]

    asyncio.run(scenario())
