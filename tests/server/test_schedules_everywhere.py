"""Schedules of all projects that somebody sees: the list, the calendar, the forecast."""

from __future__ import annotations

from typing import Any

from tests.server.kept import Shop, in_shop
from tests.server.scheduled import add

WINDOW = "since=2036-01-01T00:00:00Z&until=2036-01-01T23:59:59Z"
OTHER = {"name": "other", "repository": "https://example.com/other.git"}


async def _add_other(here: Shop) -> None:
    assert (await here.call("POST", "projects", json=OTHER)).status_code == 201
    body = {"name": "tock", "target": "build", "spec": {"cron": "0 6 * * *"}}
    made = await here.call("POST", "projects/other/schedules", json=body)
    assert made.status_code == 201, made.text


async def _asked(here: Shop, path: str, token: str | None = None) -> Any:
    answer = await here.get(path, token)
    assert answer.status_code == 200, answer.text
    return answer.json()


@in_shop
async def test_everybody_sees_the_schedules_of_their_projects_in_pages(here: Shop) -> None:
    await _add_other(here)
    for name in ("b", "a", "c"):
        await add(here, name)
    await here.call("POST", "projects/shop/schedules/c/pause", json={"reason": "x"})
    seen, cursor = [], ""
    while cursor is not None:
        page = await _asked(here, f"schedules?limit=2&cursor={cursor}")
        seen += [(each["project"], each["name"]) for each in page["items"]]
        cursor = page["next"]
    assert seen == [("other", "tock"), ("shop", "a"), ("shop", "b"), ("shop", "c")]
    eve = await here.person("eve", "viewer")
    for path in ("schedules", "schedules/calendar"):
        mine = (await _asked(here, path, eve))["items"]
        assert {each["project"] for each in mine} == {"shop"}
        assert (await here.get(f"{path}?project=other", eve)).status_code == 404
    assert (await _asked(here, "schedules/forecast", eve))["schedules"] == 3
    paused = [each["name"] for each in (await _asked(here, "schedules?paused=true"))["items"]]
    going = [each["name"] for each in (await _asked(here, "schedules?paused=false"))["items"]]
    assert (paused, going) == (["c"], ["tock", "a", "b"])


@in_shop
async def test_a_calendar_has_the_first_instants_of_each_schedule_and_their_number(
    here: Shop,
) -> None:
    await add(here, "often", cron="*/10 * * * *")
    await add(here, "night", cron="0 3 * * *", timezone="Europe/Berlin")
    await add(here, "ended", ends="2036-01-01T01:00:00Z")
    await add(here, "rests")
    until = {"reason": "holidays", "until": "2036-01-01T22:59:00Z"}
    await here.call("POST", "projects/shop/schedules/rests/pause", json=until)
    found = await _asked(here, f"schedules/calendar?each=2&{WINDOW}")
    seen = {each["schedule"]: each for each in found["items"]}
    assert {name: each["count"] for name, each in seen.items()} == {
        "often": 144,
        "night": 1,
        "ended": 61,
        "rests": 60,
    }
    [night] = seen["night"]["instants"]
    assert night == {
        "instant": "2036-01-01T02:00:00.000Z", "due": "2036-01-01T02:00:00.000Z", "note": "",
    }  # fmt: skip
    assert [each["instant"] for each in seen["often"]["instants"]] == [
        "2036-01-01T00:00:00.000Z",
        "2036-01-01T00:10:00.000Z",
    ]
    assert seen["rests"]["paused"] == "holidays"
    assert seen["rests"]["instants"][0]["instant"] == "2036-01-01T23:00:00.000Z"


@in_shop
async def test_a_forecast_says_how_full_each_hour_is_and_which_minutes_are_fullest(
    here: Shop,
) -> None:
    for number in range(3):
        await add(here, f"same {number}", cron="0 3 * * *")
    await add(here, "hourly", cron="0 * * * *")
    found = await _asked(here, f"schedules/forecast?count=2&{WINDOW}")
    assert (found["schedules"], found["launches"], len(found["hours"])) == (4, 27, 24)
    assert found["hours"][3] == {"hour": "2036-01-01T03:00:00.000Z", "launches": 4}
    assert found["crowds"] == [
        {"minute": "2036-01-01T03:00:00.000Z", "launches": 4, "delay": 0.0},
        {"minute": "2036-01-01T00:00:00.000Z", "launches": 1, "delay": 0.0},
    ]


@in_shop
async def test_a_window_that_is_too_much_is_refused_in_words(here: Shop) -> None:
    await add(here, cron="* * * * * *")
    for path, said in (
        ("calendar?since=2036-01-02T00:00:00Z&until=2036-01-01T00:00:00Z", "ends after it begins"),
        ("calendar?until=2099-01-01T00:00:00Z", "at most 62 days"),
        ("calendar?cursor=Im5vbmUi", "the cursor is none of ours"),
        ("forecast?since=2036-01-01&until=2036-01-04", "more instants fall into this window"),
    ):
        answer = await here.get(f"schedules/{path}")
        assert answer.status_code == 400, path
        assert said in answer.json()["detail"]
