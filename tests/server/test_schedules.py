"""Schedules of the platform: by API and by file, and what becomes of their instants."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from steersman.core.schedules import timetables
from steersman.server import schedules
from steersman.server.planning import Planner
from steersman.server.platform import Platform
from steersman.server.schedules_firing import Scheduler
from steersman.store import schedules as rows
from steersman.store.base import Row
from steersman.store.tables import attempts, runs, triggers
from tests.server.conftest import Repository
from tests.server.kept import FILE, Shop, in_shop, shop

EVERY_MINUTE = {"cron": "* * * * *"}
SCHEDULED = """\
box: busybox
build:
  schedules: [{cron: 0 3 * * *, name: night, overlap: forbid}]
  steps: [{script: {code: echo}}]
workflows:
  - name: ship
    schedules: "@weekly"
    pipelines: [{name: build}]
"""
Test = Callable[[Shop], Awaitable[None]]


def on_each(test: Test) -> Callable[[Platform, Repository], None]:
    """Make a test, on each database, of what happens in a shop."""

    def run(platform_on: Platform, repository: Repository) -> None:
        async def tried() -> None:
            async with shop(platform_on, repository) as opened:
                await test(opened)

        asyncio.run(tried())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def add(here: Shop, name: str = "tick", target: str = "build", **spec: Any) -> Row:
    """Add a schedule by API, and return its row."""
    body = {"name": name, "target": target, "spec": {**EVERY_MINUTE, **spec}}
    made = await here.call("POST", "projects/shop/schedules", json=body)
    assert made.status_code == 201, made.text
    return await row_of(here, name)


async def row_of(here: Shop, name: str) -> Row:
    project = (await here.get("projects/shop")).json()["id"]
    found = await here.here.parts.store.scan(lambda tx: rows.one(tx, project, name))
    assert found is not None
    return found


def after(row: Row, count: int = 1) -> list[int]:
    """Return the next instants after a schedule was made."""
    tables, found = schedules.read(row).tables, []
    at = row["decided"]
    for _ in range(count):
        at = timetables.next_of(tables, at) or 0
        found.append(at)
    return found


async def instants(here: Shop, name: str = "tick", **query: str) -> list[dict[str, Any]]:
    """Return the ledger of a schedule, the oldest first."""
    said = "&".join(f"{key}={value}" for key, value in query.items())
    answer = await here.get(f"projects/shop/schedules/{name}/instants?{said}")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


async def listed(here: Shop) -> dict[str, dict[str, Any]]:
    found = (await here.get("projects/shop/schedules")).json()["items"]
    return {each["name"]: each for each in found}


async def push(here: Shop, branch: str = "main", **request: Any) -> str:
    """Let a push be planned, and return the trigger's id."""
    wanted = {"kind": "push", "branch": branch, **request}
    made = await here.call("POST", "projects/shop/triggers", json=wanted)
    assert made.status_code == 202, made.text
    await Planner(here.here.parts).plan_all()
    return str(made.json()["id"])


@on_each
async def test_an_instant_becomes_a_run_and_the_ledger_says_how_it_ended(here: Shop) -> None:
    row = await add(here)
    [instant] = after(row)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(instant - 1)
    assert await instants(here) == []
    assert (await scheduler.turn(instant)).leads
    await scheduler.turn(instant + 1)
    [fired] = await instants(here)
    assert (fired["state"], fired["reason"], fired["outcome"]) == ("fired", "due", "running")
    await here.here.plan()
    [run] = (await here.get("runs")).json()["items"]
    assert (run["name"], run["event"], run["by"]) == ("build", "schedule", "schedule tick")
    await (await here.take()).end()
    await scheduler.turn(instant + 2)
    [ended] = await instants(here)
    assert (ended["outcome"], ended["runs"]) == ("succeeded", ["shop/1"])
    shown = (await listed(here))["tick"]
    assert (shown["successes"], shown["failures"]) == (1, 0)
    asked = f"projects/shop/schedules/tick/explain?instant={fired['instant']}"
    [said] = (await here.get(asked)).json()["answers"]
    assert said.startswith("fired since its time had come")
    assert "as shop/1; it succeeded" in said


@in_shop
async def test_what_nobody_was_there_for_is_caught_up_as_told(here: Shop) -> None:
    told: dict[str, Any] = {"latest": "latest", "three": {"all": 3}, "never": "none"}
    for name, wanted in told.items():
        row = await add(here, name, cron="0 * * * *", **{"catch-up": wanted})
    await Scheduler(here.here.parts).turn(after(row, 5)[-1] + 600)
    found = {
        name: [
            (each["state"], each["reason"], each["covers"]) for each in await instants(here, name)
        ]
        for name in told
    }
    caught = ("fired", "caught-up", 1)
    assert found == {
        "latest": [("missed", "not-caught-up", 4), caught],
        "three": [("missed", "not-caught-up", 2), caught, caught, caught],
        "never": [("missed", "not-caught-up", 5)],
    }


@in_shop
async def test_a_paused_time_is_skipped_and_says_by_whom_and_why(here: Shop) -> None:
    row = await add(here)
    first, second = after(row, 2)
    where = "projects/shop/schedules/tick"
    paused = await here.call("POST", f"{where}/pause", json={"reason": "holidays"})
    assert paused.json()["pause"]["reason"] == "holidays"
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first)
    [skipped] = await instants(here)
    assert (skipped["state"], skipped["reason"]) == ("skipped", "paused")
    assert skipped["message"] == "paused by admin: holidays"
    resumed = await here.call("POST", f"{where}/resume")
    assert resumed.json()["pause"] is None
    await scheduler.turn(second)
    assert [each["state"] for each in await instants(here)] == ["skipped", "fired"]


@in_shop
async def test_forbid_skips_an_instant_whose_predecessor_still_runs(here: Shop) -> None:
    row = await add(here, overlap="forbid")
    first, second = after(row, 2)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first)
    await here.here.plan()
    await scheduler.turn(second)
    fired, skipped = await instants(here)
    assert (fired["state"], skipped["state"]) == ("fired", "skipped")
    assert (skipped["reason"], skipped["message"]) == ("overlap", "run 1 was not over")


@on_each
async def test_replace_ends_the_run_before_in_the_same_turn(here: Shop) -> None:
    row = await add(here, overlap="replace")
    first, second = after(row, 2)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first)
    await here.here.plan()
    await scheduler.turn(second)
    await scheduler.turn(second + 1)
    await here.here.plan()
    states = {each["number"]: each["state"] for each in (await here.get("runs")).json()["items"]}
    assert states == {1: "cancelled", 2: "queued"}
    assert [each["outcome"] for each in await instants(here)] == ["unknown", "running"]


async def _lose(here: Shop, reason: str) -> None:
    """Let the newest run end as one does whose node is gone."""

    def lose(tx: Any) -> None:
        newest = tx.value(select(runs.c.id).order_by(runs.c.number.desc()).limit(1))
        done = {"state": "errored", "reason": reason}
        tx.execute(update(attempts).where(attempts.c.run_id == newest).values(**done))
        tx.execute(update(runs).where(runs.c.id == newest).values(state="errored", ended=tx.now))

    await here.here.parts.store.rewrite(lose)


@on_each
async def test_a_run_that_its_node_lost_is_launched_again_under_its_instant(here: Shop) -> None:
    row = await add(here, attempts=2)
    [instant] = after(row)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(instant)
    await here.here.plan()
    await _lose(here, "node-lost")
    await scheduler.turn(instant + 1)
    [again] = await instants(here)
    assert (again["state"], again["attempt"], again["outcome"]) == ("fired", 2, "running")
    await here.here.plan()
    await _lose(here, "node-lost")
    await scheduler.turn(instant + 2)
    [lost] = await instants(here)
    assert (lost["outcome"], lost["attempt"]) == ("lost", 2)
    shown = (await listed(here))["tick"]
    assert (shown["failures"], shown["successes"]) == (0, 0)


@pytest.mark.parametrize(("target", "reason"), [("deploy", "node-lost"), ("build", "internal")])
def test_what_may_do_harm_or_broke_otherwise_is_not_launched_again(
    platform: Platform, repository: Repository, target: str, reason: str
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            [instant] = after(await add(here, target=target))
            scheduler = Scheduler(platform)
            await scheduler.turn(instant)
            await here.here.plan()
            await _lose(here, reason)
            await scheduler.turn(instant + 1)
            [ended] = await instants(here)
            outcome = "lost" if target == "deploy" else "failed"
            assert (ended["outcome"], ended["attempt"]) == (outcome, 1)

    asyncio.run(tried())


@on_each
async def test_a_start_by_hand_and_a_filled_past_have_identities_of_their_own(here: Shop) -> None:
    row = await add(here)
    where = "projects/shop/schedules/tick"
    for _ in range(2):
        asked = await here.call("POST", f"{where}/trigger", json={"reason": "the disk was full"})
        assert (asked.status_code, asked.json()["kind"]) == (202, "manual")
    past = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:02:00Z"}
    dry = await here.call("POST", f"{where}/backfill", json={**past, "dry_run": True})
    wanted = [f"2026-01-01T00:0{minute}:00.000Z" for minute in range(3)]
    assert dry.json() == {"instants": wanted, "planned": 3, "dry_run": True}
    assert len(await instants(here)) == 2
    done = await here.call("POST", f"{where}/backfill", json=past)
    assert done.json()["instants"] == wanted
    again = await here.call("POST", f"{where}/backfill", json=past)
    assert again.json()["instants"] == []
    await Scheduler(here.here.parts).turn(row["decided"] + 30.0)
    kinds = [(each["kind"], each["state"]) for each in await instants(here, state="fired")]
    assert kinds[:5] == [("backfill", "fired")] * 3 + [("manual", "fired")] * 2
    [note] = [each for each in await instants(here) if each["message"] == "the disk was full"][:1]
    assert note["by"] == "admin"


@on_each
async def test_schedules_follow_the_file_of_the_default_branch(here: Shop) -> None:
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    found = await listed(here)
    assert {name: each["target"] for name, each in found.items()} == {
        "night": "build",
        "ship": "ship",
    }
    assert found["night"]["spec"] == {"cron": "0 3 * * *", "overlap": "forbid"}
    assert found["night"]["file_of"] == "main"
    before = (await row_of(here, "night"))["id"]
    here.repository.commit({"wercker.yml": SCHEDULED.replace("@weekly", "@every")})
    await push(here)
    assert await listed(here) == found, "a file that is wrong changes nothing"
    less = SCHEDULED.replace('    schedules: "@weekly"\n', "").replace("0 3", "0 4")
    here.repository.commit({"wercker.yml": less})
    await push(here)
    assert {name: each["spec"]["cron"] for name, each in (await listed(here)).items()} == {
        "night": "0 4 * * *"
    }
    here.repository.commit({"wercker.yml": FILE})
    await push(here)
    assert await listed(here) == {}
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    assert (await row_of(here, "night"))["id"] == before, "its ledger goes on"


@in_shop
async def test_only_a_branchs_newest_commit_and_nobody_elses_decides(here: Shop) -> None:
    old = here.repository.commit({"wercker.yml": SCHEDULED})
    new = here.repository.commit({"wercker.yml": FILE})
    await push(here, commit=old)
    assert await listed(here) == {}
    here.repository.git("checkout", "-q", "-b", "work")
    own = SCHEDULED.replace("name: night", "name: night, branch: work")
    here.repository.commit({"wercker.yml": own})
    await push(here, "work")
    found = await listed(here)
    # Another branch decides about what runs on it, and about nothing else.
    assert {name: each["file_of"] for name, each in found.items()} == {"night": "work"}
    await push(here, "main", commit=new)
    assert await listed(here) == found
    await push(here, "work", deleted=True)
    assert await listed(here) == {}


@in_shop
async def test_a_schedule_of_a_file_is_paused_but_not_changed_here(here: Shop) -> None:
    here.repository.commit({"wercker.yml": SCHEDULED})
    await push(here)
    where = "projects/shop/schedules/night"
    changed = await here.call("PATCH", where, json={"target": "deploy"})
    assert changed.status_code == 409
    assert "written in the pipeline file of main" in changed.json()["detail"]
    assert (await here.call("DELETE", where)).status_code == 409
    paused = await here.call("POST", f"{where}/pause", json={"reason": "x"})
    assert paused.status_code == 200
    here.repository.commit({"wercker.yml": SCHEDULED.replace("0 3", "0 5")})
    await push(here)
    night = (await listed(here))["night"]
    assert (night["spec"]["cron"], night["pause"]["reason"]) == ("0 5 * * *", "x")


@in_shop
async def test_the_next_instants_are_listed_with_what_the_clocks_do(here: Shop) -> None:
    await add(here, "berlin", cron="30 2 * * *", timezone="Europe/Berlin")
    coming = (await here.get("projects/shop/schedules/berlin/next?count=200")).json()["items"]
    assert len(coming) == 200
    assert any("clocks go forward" in each["note"] for each in coming)


BAD = [
    {},
    {"cron": "0 0 30 2 *"},
    {"cron": "@daily", "timezone": "Mars"},
    {"cron": "@daily", "colour": "red"},
    {"cron": "@daily", "overlap": {"queue": 0}},
    {"cron": "@daily", "catch-up": ["all"]},
    {"cron": "@daily", "deadline": -3},
    {"cron": "@daily", "starts": "9999-12-31T23:59:59-10:00"},
]


def test_what_cannot_be_kept_is_refused_in_words(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            for spec in BAD:
                body = {"name": "bad", "target": "build", "spec": spec}
                answer = await here.call("POST", "projects/shop/schedules", json=body)
                assert answer.status_code == 400, spec
                assert len(answer.json()["detail"]) > 10
            assert await listed(here) == {}
            await add(here)
            again = {"name": "tick", "target": "build", "spec": EVERY_MINUTE}
            answer = await here.call("POST", "projects/shop/schedules", json=again)
            assert answer.status_code == 409

    asyncio.run(tried())


def test_a_role_may_do_with_schedules_what_it_may_do_otherwise(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            await add(here)
            viewer = await here.person("eve", "viewer", "admin")
            developer = await here.person("dan", "developer", "admin")
            maintainer = await here.person("mia", "maintainer", "admin")
            where, reason = "projects/shop/schedules/tick", {"reason": "x"}
            for token, may in ((viewer, (403, 403)), (developer, (202, 403)),
                               (maintainer, (202, 200))):  # fmt: skip
                assert (await here.get(where, token)).status_code == 200
                asked = await here.call("POST", f"{where}/trigger", json=reason, token=token)
                paused = await here.call("POST", f"{where}/pause", json=reason, token=token)
                assert (asked.status_code, paused.status_code) == may
            assert (await here.call("DELETE", where, token=maintainer)).status_code == 204
            assert (await here.get(where)).status_code == 404

    asyncio.run(tried())


def test_a_schedule_pauses_itself_after_failures_in_a_row(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            row = await add(here, target="nothing", stop={"failures": 2})
            scheduler = Scheduler(platform)
            for instant in after(row, 2):
                await scheduler.turn(instant)
                await here.here.plan()
                await scheduler.turn(instant + 1)
            first, _ = await instants(here)
            assert first["outcome"] == "failed"
            assert "no workflow and no pipeline of this name" in first["message"]
            pause = (await listed(here))["tick"]["pause"]
            assert (pause["by"], pause["reason"]) == (
                "steersman",
                "stopped after 2 failures in a row",
            )

    asyncio.run(tried())


def test_a_launch_has_a_key_that_makes_its_trigger_once(
    platform: Platform, repository: Repository
) -> None:
    async def tried() -> None:
        async with shop(platform, repository) as here:
            row = await add(here)
            [instant] = after(row)
            await Scheduler(platform).turn(instant)
            key = await platform.store.scan(lambda tx: tx.value(select(triggers.c.key)))
            assert key == f"schedule/{row['id']}/{instant}"

    asyncio.run(tried())
