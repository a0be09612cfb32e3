"""What becomes of the instants of a schedule: runs, and rows of the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from steersman.server.platform import Platform
from steersman.server.schedules_firing import Scheduler
from steersman.store.tables import attempts, runs, triggers
from tests.server.conftest import Repository
from tests.server.kept import Shop, in_shop, shop
from tests.server.scheduled import add, after, instants, listed, on_each


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
    # A minute may have begun meanwhile, also between the two.
    kinds = [each["kind"] for each in await instants(here, state="fired")]
    assert [each for each in kinds if each != "scheduled"] == ["backfill"] * 3 + ["manual"] * 2
    [note] = [each for each in await instants(here) if each["message"] == "the disk was full"][:1]
    assert note["by"] == "admin"


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


@on_each
async def test_what_had_no_room_is_launched_later_unless_it_was_removed(here: Shop) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        row = await add(here, name, cron="0 * * * *")
    [instant] = after(row)
    scheduler = Scheduler(here.here.parts, rate=2.0)

    async def states() -> list[str]:
        return sorted([each["state"] for name in names for each in await instants(here, name)])

    await scheduler.turn(instant)
    assert await states() == ["fired"] * 2 + ["planned"] * 3
    waits = [name for name in names if (await instants(here, name))[0]["state"] == "planned"]
    await here.call("DELETE", f"projects/shop/schedules/{waits[0]}")
    names.remove(waits[0])
    for moment in (0.5, 0.9, 1.4, 1.8, 2.2, 2.6):
        await scheduler.turn(instant + moment, fresh=False)
    assert await states() == ["fired"] * 4
    made = await here.here.parts.store.scan(lambda tx: len(tx.all(select(triggers.c.key))))
    assert made == 4
