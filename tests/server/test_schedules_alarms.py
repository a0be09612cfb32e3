"""Alarms of schedules: raised once by whoever leads, told to the project's targets, and over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from steersman.core.schedules.alarms import What
from steersman.server.schedules_firing import Scheduler
from steersman.store import schedule_alarms
from steersman.store.tables import outbox
from tests.server.kept import Shop, in_shop
from tests.server.scheduled import add, after, instants, listed, on_each

TARGET = {"id": "ops", "kind": "webhook", "url": "https://example.com/hook"}


async def _watched(here: Shop, name: str = "tick", **spec: Any) -> list[int]:
    """Let somebody be told; return the next instants of a schedule."""
    changed = await here.call("PATCH", "projects/shop", json={"settings": {"notify": [TARGET]}})
    assert changed.status_code == 200, changed.text
    return after(await add(here, name, **spec), 3)


async def _told(here: Shop) -> list[tuple[str, str]]:
    """Return what was told, as kinds of alarms and whether they were raised."""
    query = select(outbox.c.message).order_by(outbox.c.created, outbox.c.id)
    rows = await here.here.parts.store.scan(lambda tx: tx.all(query))
    found = [each["message"]["alerts"]["alerts"] for each in rows if "alerts" in each["message"]]
    return [(each["what"], each["state"]) for alerts in found for each in alerts]


async def _shown(here: Shop, name: str = "tick") -> list[str]:
    return [each["what"] for each in (await listed(here))[name]["alarms"]]


@on_each
async def test_what_was_missed_is_told_once_by_two_servers_and_over_with_a_success(
    here: Shop,
) -> None:
    first, *_ = await _watched(here, **{"catch-up": "none"})
    one, two = (Scheduler(here.here.parts) for _ in range(2))
    await one.turn(first + 600)
    await two.turn(first + 1200)
    assert await _shown(here) == ["missed"]
    assert await _told(here) == [("missed", "raised")]
    [fired] = [each for each in await instants(here) if each["state"] == "fired"][-1:]
    assert fired["outcome"] == "running"
    await here.here.plan()
    while (await here.get("runs?state=queued")).json()["items"]:
        await (await here.take()).end()
    await two.turn(first + 1201)
    assert await _shown(here) == []
    assert await _told(here) == [("missed", "raised"), ("missed", "over")]


@in_shop
async def test_silence_counts_from_the_last_success_and_not_while_paused(here: Shop) -> None:
    first, *_ = await _watched(here, cron="@yearly", alarms={"silent": "1h"})
    scheduler = Scheduler(here.here.parts)
    here_now = first - 30 * 86400
    await scheduler.turn(here_now)
    assert await _shown(here) == ["no-success"]
    where = "projects/shop/schedules/tick"
    await here.call("POST", f"{where}/pause", json={"reason": "holidays"})
    assert await _shown(here) == []
    await scheduler.turn(here_now + 7200)
    assert await _shown(here) == []
    assert await _told(here) == [("no-success", "raised"), ("no-success", "over")]


@in_shop
async def test_a_late_launch_and_a_long_run_are_told_until_the_run_is_over(here: Shop) -> None:
    first, *_ = await _watched(here, alarms={"late": "10s", "running": "5m", "missed": False})
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first + 30)
    assert await _shown(here) == ["late"]
    await here.call("POST", "projects/shop/schedules/tick/pause", json={"reason": "x"})
    await here.here.plan()
    await (await here.take()).end()
    await scheduler.turn(first + 31)
    assert await _shown(here) == []


@in_shop
async def test_a_schedule_that_stops_itself_says_so_until_it_is_resumed(here: Shop) -> None:
    first, *_ = await _watched(here, target="nothing", stop={"failures": 1})
    scheduler = Scheduler(here.here.parts)
    await scheduler.turn(first)
    await here.here.plan()
    await scheduler.turn(first + 1)
    assert await _shown(here) == ["stopped"]
    await here.call("POST", "projects/shop/schedules/tick/resume")
    assert await _shown(here) == []
    assert await _told(here) == [("stopped", "raised"), ("stopped", "over")]


@in_shop
async def test_many_alarms_of_a_turn_are_one_message(here: Shop) -> None:
    await _watched(here, "a", **{"catch-up": "none"})
    first, *_ = await _watched(here, "b", **{"catch-up": "none"})
    await Scheduler(here.here.parts).turn(first + 600)
    query = select(outbox.c.message)
    [row] = await here.here.parts.store.scan(lambda tx: tx.all(query))
    told = row["message"]["alerts"]["alerts"]
    assert sorted(each["schedule"] for each in told) == ["a", "b"]
    assert await here.here.parts.store.scan(
        lambda tx: {each.what for each in schedule_alarms.of_kinds(tx, What)}
    ) == {What.MISSED}


@in_shop
async def test_the_figures_count_instants_and_name_schedules_only_to_who_sees_them(
    here: Shop,
) -> None:
    first, *_ = await _watched(here, **{"catch-up": "none"})
    await Scheduler(here.here.parts).turn(first + 600)
    plain = (await here.here.http.get("/metrics")).text.splitlines()
    assert 'steersman_cron_instants_total{state="missed"} 10' in plain
    assert 'steersman_cron_instants_total{state="fired"} 1' in plain
    assert 'steersman_cron_lateness_seconds_bucket{le="60"} 1' in plain
    assert 'steersman_cron_alarms{what="missed"} 1' in plain
    assert "steersman_cron_schedules 1" in plain
    assert not [line for line in plain if "tick" in line]
    named = (await here.get("schedules/metrics")).text.splitlines()
    labels = '{project="shop",schedule="tick"}'
    assert f"steersman_cron_last_fired_timestamp_seconds{labels} {first + 600}" in named
    assert f"steersman_cron_paused{labels} 0" in named
    eve = await here.person("eve", None)
    assert "tick" not in (await here.get("schedules/metrics", eve)).text
