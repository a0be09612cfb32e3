"""Launches that were made ready before their instant are those of any other turn."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from steersman.server import schedules_foresight as foresights
from steersman.server.schedules_firing import Scheduler
from steersman.store.base import Row, Transaction
from steersman.store.tables import fires, triggers
from tests.server.kept import Shop, in_shop
from tests.server.scheduled import add, after, instants, listed, on_each

ONE = "projects/shop/schedules"


def _launched(tx: Transaction) -> list[dict[str, Any]]:
    """Return what was launched, without what differs from one to the next."""
    query = select(fires, triggers.c.key, triggers.c.request, triggers.c.author.label("who"))
    query = query.join_from(fires, triggers, fires.c.run == triggers.c.id)
    return [_alike(row) for row in tx.all(query.order_by(fires.c.instant))]


def _alike(row: Row) -> dict[str, Any]:
    instant = row["instant"]
    assert row["key"] == f"schedule/{row['schedule_id']}/{instant}"
    moments = {name: row[name] - instant for name in ("due", "since", "last", "launched")}
    request = {**row["request"], "instant": ""}
    return {**row, **moments, "request": request, "instant": 0, "key": "", "run": "", "fence": 0}


@on_each
async def test_a_launch_that_was_made_ready_is_like_one_that_was_not(here: Shop) -> None:
    first, second = after(await add(here), 2)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first + 0.25)
    assert (await scheduler.turn(second - 2.0)).soon
    assert not await scheduler.foresee(second - 1.0)
    ready = await scheduler.turn(second + 0.25)
    assert (ready.leads, ready.wait) == (True, 0.0)
    one, other = await here.here.parts.store.scan(_launched)
    assert one == other
    assert (await listed(here))["tick"]["last_fired"] is not None
    assert (await scheduler.turn(second + 0.5)).wait > 0
    assert [each["state"] for each in await instants(here)] == ["fired", "fired"]


@on_each
async def test_what_has_changed_since_it_was_made_ready_is_decided_anew(here: Shop) -> None:
    names = ["same", "paused", "gone", "changed"]
    for name in names:
        row = await add(here, name, cron="0 * * * *")
    [instant] = after(row)
    scheduler = Scheduler(here.here.parts, rate=0)
    await scheduler.turn(instant - 3.0)
    await scheduler.foresee(instant - 2.0)
    await here.call("POST", f"{ONE}/paused/pause", json={"reason": "holidays"})
    await here.call("DELETE", f"{ONE}/gone")
    spec = {"cron": "0 * * * *", "branch": "other"}
    await here.call("PATCH", f"{ONE}/changed", json={"spec": spec})
    for _ in range(2):
        await scheduler.turn(instant + 0.5)
    found = {name: [each["state"] for each in await instants(here, name)] for name in names[:2]}
    assert found == {"same": ["fired"], "paused": ["skipped"]}
    asked = await here.here.parts.store.scan(lambda tx: tx.all(select(triggers.c.request)))
    assert sorted((each["request"]["schedule"], each["request"]["branch"]) for each in asked) == [
        ("changed", "other"),
        ("same", ""),
    ]


@on_each
async def test_another_default_branch_is_the_one_that_is_run(here: Shop) -> None:
    [instant] = after(await add(here))
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(instant - 3.0)
    await scheduler.foresee(instant - 2.0)
    await here.call("PATCH", "projects/shop", json={"default_branch": "trunk"})
    for _ in range(2):
        await scheduler.turn(instant + 0.5)
    [asked] = await here.here.parts.store.scan(lambda tx: tx.all(select(triggers.c.request)))
    assert asked["request"]["branch"] == "trunk"


@on_each
async def test_only_what_may_be_launched_at_once_is_made_ready(here: Shop) -> None:
    for name in ("a", "b", "c"):
        row = await add(here, name, cron="0 * * * *")
    [instant] = after(row)
    parts = here.here.parts

    async def ready(most: int, now: float) -> int:
        found = await foresights.look(parts, foresights.NOTHING, most, now)
        return len(found.drafts)

    assert await ready(3, instant - 2.0) == 3
    assert await ready(2, instant - 2.0) == 0
    assert await ready(3, instant - foresights.AHEAD - 1.0) == 0


@in_shop
async def test_what_keeps_out_of_anothers_way_is_decided_at_its_time(here: Shop) -> None:
    for name in ("a", "b"):
        row = await add(here, name, cron="0 * * * *", group="night", overlap="forbid")
    [instant] = after(row)
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(instant - 3.0)
    await scheduler.foresee(instant - 2.0)
    await scheduler.turn(instant + 0.5)
    found = {name: await instants(here, name) for name in ("a", "b")}
    said = {each["state"]: (name, each["message"]) for name, [each] in found.items()}
    first, _ = said["fired"]
    assert said["skipped"][1] == f"the run of {first} at {instant} was not over"
