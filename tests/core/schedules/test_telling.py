"""Schedules in words, their rules as sentences, and what a calendar of them shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.core.schedules import calendars, expressions, rules, specs, telling, timetables

WORDS = {
    "* * * * * *": "every second",
    "*/10 * * * * *": "every 10 seconds",
    "*/10 */5 * * * *": "every 10 seconds of each 5 minutes",
    "* * * * *": "every minute",
    "*/5 * * * *": "every 5 minutes",
    "5-59/15 * * * *": "every 15 minutes from minute 5 on",
    "*/15 9-17 * * mon-fri": "every 15 minutes from 09:00 to 17:45, Monday to Friday",
    "* 1,3 * * *": "every minute in the hours 1 and 3",
    "0,7,13 * * * *": "at minutes 0, 7 and 13 of every hour",
    "0,7,13 1,5,9,13 * * *": "at minutes 0, 7 and 13 in the hours 1, 5, 9 and 13",
    "@hourly": "every hour",
    "17 * * * *": "every hour at minute 17",
    "30 17 * * * *": "every hour at minute 17, at second 30",
    "0 */2 * * *": "every 2 hours",
    "5 1-23/2 * * *": "every 2 hours, from 01:05 on",
    "0 9-17 * * *": "every hour from 09:00 to 17:00",
    "0 1,2,3,5,8,13,20 * * *": "every day at 01:00, 02:00, 03:00, 05:00, 08:00, 13:00 and 20:00",
    "0 3 * * *": "every day at 03:00",
    "30 0 3 * * *": "every day at 03:00:30",
    "0 3,15 * * *": "every day at 03:00 and 15:00",
    "0 3 * * 1-7": "every day at 03:00",
    "0 3 * 3-10 *": "every day at 03:00 from March to October",
    "30 4 * * 1-5": "at 04:30, Monday to Friday",
    "0 0 * * sat,sun": "at 00:00 on Saturday and Sunday",
    "0 0 * * tue,0": "at 00:00 on Tuesday and Sunday",
    "0 0 1 * *": "at 00:00 on the 1st",
    "0 5 1-7 * *": "at 05:00 from the 1st to the 7th",
    "0 0 2,3,11,22 * *": "at 00:00 on the 2nd, the 3rd, the 11th and the 22nd",
    "0 0 1 1 *": "at 00:00 on the 1st of January",
    "0 3 1,15 * mon": "at 03:00 on the 1st and the 15th or on Monday",
    "0 3 */2 * mon": "at 03:00 on every 2nd day of the month from the 1st on if that is Monday",
    "0 3 1 * 0-7": "every day at 03:00",
    "0 12 L * *": "at 12:00 on the last day of the month",
    "0 12 L-3 * *": "at 12:00 on the day 3 days before the month's last",
    "0 12 LW * *": "at 12:00 on the last working day of the month",
    "0 12 15W * *": "at 12:00 on the working day nearest to the 15th",
    "0 12 * * friL": "at 12:00 on the last Friday of the month",
    "0 12 * * mon#2": "at 12:00 on the second Monday of the month",
    "@every 90s": "every 1m30s",
}


@pytest.mark.parametrize("text", WORDS)
def test_a_schedule_is_said_as_people_say_it(text: str) -> None:
    table = expressions.table(expressions.parse(text))
    assert telling.words(table) == WORDS[text]


def read(cron: str, **spec: Any) -> Any:
    return specs.read("id", {"cron": cron, **spec}, "shop")


def test_rules_say_what_happens_to_overlap_lateness_outages_and_clocks() -> None:
    said = rules.rules(
        read(
            "0 3 * * *", timezone="Europe/Berlin", overlap={"queue": 3}, group="db", deadline="10m",
            jitter="30s", stop={"failures": 5}, **{"catch-up": {"all": 4}},
        )
    )  # fmt: skip
    assert said == [
        "While a run goes on up to 3 instants wait for it.",
        "It keeps out of the way of all schedules of the group db.",
        "Of what passes while no server runs the newest 4 are caught up.",
        "More than 10m late it is missed.",
        "Each launch is put off by up to 30s, always the same.",
        (
            "When clocks change, a time that does not exist is moved to the next moment there is; "
            "of two equal ones the first counts."
        ),
        "It pauses by itself after 5 failures in a row.",
        "An alarm is raised when an instant was missed or it pauses by itself.",
    ]
    ends = rules.rules(
        read("@every 1h", starts="2026-01-01", ends="2030-01-01", stop={"successes": 1})
    )
    assert ends[-4:-1] == [
        "It pauses by itself after 1 successes.",
        "It starts at 2026-01-01T00:00:00Z.",
        "It ends at 2030-01-01T00:00:00Z.",
    ]


def test_rules_say_in_one_sentence_what_is_told() -> None:
    watched = {"late": "1m", "running": "1h", "silent": "2d", "missed": False}
    assert rules.rules(read("@daily", alarms=watched))[-1] == (
        "An alarm is raised when a launch is more than 1m late, a run takes more than 1h, "
        "none has succeeded for 2d or it pauses by itself."
    )
    assert rules.rules(read("@daily", alarms={"missed": False}))[-1] == (
        "An alarm is raised when it pauses by itself."
    )


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_a_calendar_names_each_instant_up_to_the_end_of_the_zones_last_day() -> None:
    now = at("2026-11-28T22:30:00+00:00")  # 23:30 in Berlin
    drawn = calendars.draw(read("0 3 * * *", timezone="Europe/Berlin"), now, 7)
    assert drawn.until == at("2026-12-04T23:59:59+01:00")
    assert (drawn.total, drawn.hours) == (6, [])
    assert drawn.instants[0].instant == at("2026-11-29T03:00:00+01:00")


def test_a_calendar_counts_hours_where_instants_are_many() -> None:
    now = at("2026-10-24T12:30:00+00:00")
    schedule = read("*/5 * * * *", timezone="Europe/Berlin")
    drawn = calendars.draw(schedule, now, 3)
    # 9 hours and 25 minutes are left of the first day, and the second one has 25 hours.
    assert (drawn.total, drawn.instants) == (9 * 12 + 5 + 25 * 12 + 24 * 12, [])
    assert sum(each.total for each in drawn.hours) == drawn.total
    counts = {datetime.fromtimestamp(each.wall, UTC): each.total for each in drawn.hours}
    twice = datetime(2026, 10, 25, 2, tzinfo=UTC)
    assert (counts[twice], counts[twice.replace(hour=3)]) == (24, 12)
    assert len(counts) == 10 + 24 + 24
    exact = timetables.between(schedule.tables, now, drawn.until)
    assert drawn.total == sum(1 for _ in exact)


def test_a_calendar_keeps_within_the_bounds_of_its_schedule() -> None:
    now = at("2026-11-28T00:00:00+00:00")
    drawn = calendars.draw(
        read("0 3 * * *", starts="2026-11-30", ends="2026-12-02T12:00Z"), now, 30
    )
    assert [each.instant for each in drawn.instants] == [
        at(f"{day}T03:00:00+00:00") for day in ("2026-11-30", "2026-12-01", "2026-12-02")
    ]
    over = calendars.draw(read("0 3 * * *", ends="2026-01-01"), now, 30)
    assert (over.total, over.instants, over.hours) == (0, [], [])
