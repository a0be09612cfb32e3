"""The overview of schedules: in words, with how they went lately and what one may do; calendars."""

from __future__ import annotations

from sqlalchemy import insert

from steersman.core.schedules import fires
from steersman.core.schedules.fires import Fire, Reason, State
from steersman.store import schedule_ledgers as ledgers
from steersman.store.base import Transaction
from steersman.store.tables import projects
from tests.server.kept import Shop, in_shop
from tests.server.scheduled import add, on_each


def instant(row_id: str, at: int) -> Fire:
    """Return an instant that was launched three seconds late and succeeded."""
    found = fires.planned(row_id, at, at, at)
    found = fires.fired(found, "", at + 3)
    return found._replace(outcome=fires.Outcome.SUCCEEDED, ended=at + 9)


@on_each
async def test_an_overview_has_the_newest_instants_of_each_schedule(here: Shop) -> None:
    first, second = await add(here, "first"), await add(here, "second", cron="0 3 * * mon-fri")
    now = first["decided"]
    old = [instant(first["id"], now - 60 * number) for number in range(1, 21)]
    missed = fires.ended(
        fires.planned(second["id"], now - 9000, now, now),
        State.MISSED,
        Reason.NOT_CAUGHT_UP,
        "",
        now,
    )._replace(until=now - 6000, covers=4)
    await here.here.parts.store.write(lambda tx: ledgers.note(tx, [*old, missed]))
    page = (await here.get("schedules/overview?limit=1")).json()
    [one] = page["items"]
    assert (one["project"], one["name"], one["words"]) == ("shop", "first", "every minute")
    assert [each["late"] for each in one["recent"]] == [3.0] * 12
    assert [each["instant"] for each in one["recent"]] == sorted(
        (each["instant"] for each in one["recent"]), reverse=True
    )
    more = (await here.get(f"schedules/overview?limit=1&cursor={page['next']}")).json()
    [other] = more["items"]
    assert (other["words"], more["next"]) == ("at 03:00, Monday to Friday", None)
    assert [(each["state"], each["covers"]) for each in other["recent"]] == [("missed", 4)]
    assert "Runs may overlap." in other["rules"]
    single = (await here.get("projects/shop/schedules/second/overview")).json()
    assert single == other


@in_shop
async def test_an_overview_shows_only_what_one_may_see_and_says_what_one_may_do(here: Shop) -> None:
    await add(here)
    where = "projects/shop/schedules/tick/overview"
    may = {}
    for name, role, scope in (
        ("vera", "viewer", "admin"), ("dev", "developer", "admin"),
        ("mo", "maintainer", "admin"), ("reader", "maintainer", "read"),
    ):  # fmt: skip
        token = await here.person(name, role, scope)
        shown = (await here.get(where, token)).json()
        assert (await here.get("schedules/overview", token)).json()["items"] == [shown]
        may[name] = (shown["may_trigger"], shown["may_edit"])
    assert may == {
        "vera": (False, False),
        "dev": (True, False),
        "mo": (True, True),
        "reader": (False, False),
    }
    eve = await here.person("eve", None, "admin")
    assert (await here.get("schedules/overview", eve)).json()["items"] == []
    assert (await here.get(where, eve)).status_code == 404
    assert (await here.get("projects/shop/schedules/tick/calendar", eve)).status_code == 404


@in_shop
async def test_a_calendar_is_in_the_zone_of_its_schedule(here: Shop) -> None:
    await add(here, "night", cron="30 3 * * *", timezone="Asia/Kolkata")
    shown = (await here.get("projects/shop/schedules/night/calendar?days=7")).json()
    assert (shown["timezone"], shown["hours"]) == ("Asia/Kolkata", [])
    assert shown["total"] == len(shown["instants"]) >= 6
    for each in shown["instants"]:
        assert each["instant"].endswith("T03:30:00+05:30")
        assert shown["today"] <= each["instant"][:10] <= shown["last"]
    await add(here, "often")
    many = (await here.get("projects/shop/schedules/often/calendar?days=7")).json()
    assert many["instants"] is None
    assert sum(each["total"] for each in many["hours"]) == many["total"] > 6 * 1440
    assert (await here.get("projects/shop/schedules/none/calendar")).status_code == 404


@in_shop
async def test_an_overview_of_another_project_does_not_have_it(here: Shop) -> None:
    await add(here)
    identity = here.here.parts.clock.new_id()

    def other(tx: Transaction) -> None:
        row = {"id": identity, "name": "other", "repository": "/srv/other.git"}
        tx.execute(insert(projects), {**row, "settings": {}, "created": tx.now})

    await here.here.parts.store.write(other)
    assert (await here.get("schedules/overview?project=other")).json()["items"] == []
    assert len((await here.get("schedules/overview?project=shop")).json()["items"]) == 1
    assert (await here.get("schedules/overview?project=none")).status_code == 404
