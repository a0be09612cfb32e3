"""When silence becomes an alarm, and which words of the file mean which rules."""

from __future__ import annotations

from steersman.core.alerts import OVER, RAISED, Alert, Alerts, read, stored
from steersman.core.announcements import body, cloud_event, slack, subject
from steersman.core.schedules import alarms, specs
from steersman.core.schedules.schedule import Alarms, Cursor, Pause

SPEC = {"cron": "0 3 * * *", "alarms": {"silent": "2d", "late": "90"}}
QUIET = specs.read("id", SPEC, "p")
CURSOR = Cursor("id", 0, 0.0)
PAUSED = CURSOR._replace(pause=Pause(5.0, "ada", "x"))
DAY = 86400.0


def test_the_words_of_alarms_are_those_of_the_map_of_cron() -> None:
    assert QUIET.alarms == Alarms(late=90.0, silent=2 * DAY)
    assert specs.read("id", {"cron": "@daily"}, "p").alarms.missed


def test_silence_counts_from_a_success_and_anew_after_a_pause() -> None:
    done = CURSOR._replace(last_success=100.0)
    assert alarms.silence(QUIET, CURSOR, done, 7.0, 200.0) == 100.0 + 2 * DAY
    assert alarms.silence(QUIET, CURSOR, PAUSED, 7.0, 200.0) is None
    assert alarms.silence(QUIET, PAUSED, CURSOR, None, 200.0) == 200.0 + 2 * DAY
    assert alarms.silence(QUIET, CURSOR, CURSOR._replace(decided=9), 7.0, 200.0) == 7.0


def test_alarms_are_told_in_words_and_as_an_event() -> None:
    one = Alert("night", "no-success", 0, "no success for 2d", RAISED)
    two = Alert("<night>", "missed", 60, "missed", OVER)
    told = Alerts("shop", 0.0, (one, two))
    assert read(stored(told)) == told
    assert subject(told._replace(alerts=(one,))) == "shop: the schedule night: no success for 2d"
    assert subject(told) == "shop: an alarm, 1 over of its schedules"
    assert "the alarm missed of the schedule <night> is over" in body(told, "u").splitlines()
    assert "&lt;night&gt;" in slack(told, "u")["text"]
    event = cloud_event(told, "id", "https://ci")
    assert (event["type"], event["data"]["url"]) == (
        "dev.steersman.schedules.alarms", "https://ci/schedules",
    )  # fmt: skip
