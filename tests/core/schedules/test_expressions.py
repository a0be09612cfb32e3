"""The grammar: what is read as what, and what is refused at which character."""

from __future__ import annotations

from itertools import pairwise

import pytest

from steersman.core.schedules import expressions
from steersman.core.schedules.complaints import BadExpression
from steersman.core.schedules.expressions import Mode
from tests.core.schedules.oracles import at, following, shown

ROBFIG = [
    ("0 3 * * *", "2026-01-01 00:00", ["01-01 00:03:00", "01-01 01:03:00", "01-01 02:03:00"]),
    ("30 0 0 * *", "2026-01-01 00:00", ["01-01 00:00:30", "01-02 00:00:30"]),
    ("15/35 * * * * *", "2026-01-01 00:00",
     ["01-01 00:00:15", "01-01 00:00:50", "01-01 00:01:15", "01-01 00:01:50"]),
    ("0 */7 * * * *", "2026-01-01 00:50", ["01-01 00:56:00", "01-01 01:00:00", "01-01 01:07:00"]),
    ("0 0 0 1,15 * mon", "2026-01-01",
     ["01-05 00:00:00", "01-12 00:00:00", "01-15 00:00:00", "01-19 00:00:00", "01-26 00:00:00"]),
    ("0 0 0 */2 * mon", "2026-01-01",
     ["01-05 00:00:00", "01-19 00:00:00", "02-09 00:00:00", "02-23 00:00:00"]),
    ("0 0 0 31 * *", "2026-01-31 12:00", ["03-31 00:00:00", "05-31 00:00:00", "07-31 00:00:00"]),
    ("0 0 12 ? * mon-fri", "2026-08-21 13:00", ["08-24 12:00:00", "08-25 12:00:00"]),
    ("* * * * * SUN", "2026-08-22 23:59:58", ["08-23 00:00:00", "08-23 00:00:01"]),
    ("0 0 0 *-5 * *", "2026-01-01", ["01-02 00:00:00", "01-03 00:00:00"]),
    ("@every 1h30m", "1970-01-01 00:00", ["01-01 01:30:00", "01-01 03:00:00"]),
    ("@weekly", "2026-01-01", ["01-04 00:00:00", "01-11 00:00:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "since", "expected"), ROBFIG)
def test_cronetes_vectors_hold(text: str, since: str, expected: list[str]) -> None:
    found = following(text, since, len(expected), mode=Mode.ROBFIG1)
    assert [each[5:] for each in found] == expected


def test_leap_days_come_every_four_years() -> None:
    found = following("0 0 0 29 2 ?", "2026-03-01", 2, mode=Mode.ROBFIG1)
    assert found == ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]


def test_a_leap_day_is_found_behind_a_century_without_one() -> None:
    assert following("0 0 29 2 *", "2096-03-01", 1) == ["2104-02-29 00:00:00"]


REFUSED = [
    "0 0 0 * * 7", "0 0 0 * * 5-1", "60 * * * * *", "* * * *", "0 0 0 L * *", "0 0 0 * * mon#2",
    "0 0 24 * * *", "0 0 0 0 * *", "0 0 0 15W * *", "-1 * * * * *", "", " ", "*/0 * * * * *",
    "0 0 0 30 2 ?", "0 0 0 * * monday", ", * * * * *", "1/2/3 * * * * *", "1-2-3 * * * * *",
    "@fortnightly", "@every", "@every soon", "* * * * * * *", "0 0 0 * foo *",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_cronetes_refused_or_never_ran_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        expressions.parse(text, Mode.ROBFIG1)


STANDARD = [
    ("30 4 * * 1-5", "2026-08-21 05:00", ["08-24 04:30:00", "08-25 04:30:00"]),
    ("0 0 * * 7", "2026-01-01", ["01-04 00:00:00", "01-11 00:00:00"]),
    ("0 0 * * fri-sun", "2026-01-01", ["01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00"]),
    ("0 0 * * 5-7", "2026-01-01", ["01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00"]),
    ("5 0 0 1 JAN *", "2026-01-01 01:00", ["01-01 00:00:05"]),
    ("0 12 L * *", "2026-01-01", ["01-31 12:00:00", "02-28 12:00:00"]),
    ("0 12 L-2 * *", "2026-01-01", ["01-29 12:00:00", "02-26 12:00:00"]),
    ("0 12 LW * *", "2026-01-01", ["01-30 12:00:00", "02-27 12:00:00"]),
    ("0 12 15W * *", "2026-02-01", ["02-16 12:00:00", "03-16 12:00:00"]),
    ("0 12 1W * *", "2026-08-02", ["08-03 12:00:00", "09-01 12:00:00"]),
    ("0 12 * * mon#2", "2026-01-01", ["01-12 12:00:00", "02-09 12:00:00"]),
    ("0 12 * * friL", "2026-01-01", ["01-30 12:00:00", "02-27 12:00:00"]),
    ("CRON_TZ=UTC 0 12 * * *", "2026-01-01", ["01-01 12:00:00"]),
    ("@every 90s", "1970-01-01 00:00", ["01-01 00:01:30", "01-01 00:03:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "since", "expected"), STANDARD)
def test_five_and_six_fields_mean_what_everybody_means(
    text: str, since: str, expected: list[str]
) -> None:
    assert [each[5:] for each in following(text, since, len(expected))] == expected


# Each with the column of what is wrong.
COLUMNS = [
    ("0 25 * * *", 2), ("60 * * * *", 0), ("* * 0 * *", 4), ("* * * 13 *", 6), ("* * * * 8", 8),
    ("0 0 31 2 *", 4), ("0 0 30 feb *", 4), ("0 0 31 4,6,9,11 *", 4), ("1,,2 * * * *", 2),
    ("5-1 * * * *", 0), ("*/0 * * * *", 2), ("*/61 * * * *", 2), ("* * * * mon#6", 12),
    ("* * * * mon#", 12), ("0 0 L-31 * *", 6), ("0 0 32W * *", 4), ("@dayly", 0), ("@every", 0),
    ("@every 5 minutes", 9), ("@daily 5", 7), ("@reboot", 0), ("* * * *", 6), ("", 0),
    ("CRON_TZ=Europe/Nowhere * * * * *", 8), ("a * * * *", 0), ("1-x * * * *", 2),
    ("H(9-3) * * * *", 0), ("H( * * * *", 0), ("* * * foo *", 6), ("* * * * L", 8),
    ("* * * * * * 2026", 12), ("²  * * * *", 0), ("1/ * * * *", 2), ("- * * * *", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column"), COLUMNS)
def test_a_mistake_is_shown_at_its_character(text: str, column: int) -> None:
    with pytest.raises(BadExpression) as caught:
        expressions.parse(text, seed="x")
    assert caught.value.column == column
    caret = caught.value.excerpt().splitlines()[1]
    assert caret.index("^") == column + 2


def test_h_needs_a_name_to_be_made_from() -> None:
    with pytest.raises(BadExpression, match="made from the schedule's name"):
        expressions.parse("H * * * *")


def test_h_is_the_same_for_a_name_and_differs_between_names() -> None:
    texts = [following("H H * * *", "2026-01-01", 1) for _ in range(3)]
    assert texts[0] == texts[1] == texts[2]
    calendars = {
        expressions.parse("H H * * *", seed=f"job-{number}").timing for number in range(100)
    }
    assert len(calendars) > 90


def test_h_keeps_to_its_range_and_step() -> None:
    for number in range(200):
        seed = f"job-{number}"
        table = expressions.table(expressions.parse("H(10-19) H/6 H * *", seed=seed))
        calendar = table.timing
        minutes = [bit for bit in range(60) if calendar.minutes >> bit & 1]  # type: ignore[union-attr]
        hours = [bit for bit in range(24) if calendar.hours >> bit & 1]  # type: ignore[union-attr]
        days = [bit for bit in range(32) if calendar.days.of_month >> bit & 1]  # type: ignore[union-attr]
        assert 10 <= minutes[0] <= 19
        assert len(hours) == 4
        assert hours[0] < 6
        assert {later - sooner for sooner, later in pairwise(hours)} == {6}
        assert len(days) == 1
        assert days[0] <= 28


def test_ten_thousand_names_are_spread_evenly() -> None:
    minutes = [0] * 60
    seconds: dict[tuple[int, int], int] = {}
    for number in range(10_000):
        calendar = expressions.parse("H H * * * *", seed=f"team/job-{number}").timing
        second = calendar.seconds.bit_length() - 1
        minute = calendar.minutes.bit_length() - 1  # type: ignore[union-attr]
        minutes[minute] += 1
        seconds[minute, second] = seconds.get((minute, second), 0) + 1
    expected = 10_000 / 60
    chi = sum((count - expected) ** 2 / expected for count in minutes)
    # The 99th percentile of chi-square with 59 degrees of freedom.
    assert chi < 87.2
    assert max(seconds.values()) <= 20


def test_every_is_counted_from_its_anchor_however_often_one_restarts() -> None:
    anchor = at("2026-01-01 00:07:00")
    table = expressions.table(expressions.parse("@every 24h", anchor=anchor))
    from steersman.core.schedules import timetables

    fired, now = set(), at("2026-03-01 00:00:00")
    for _ in range(1000):
        later = now + 5_000
        fired |= set(timetables.between([table], now, later))
        now = later
    assert fired == set(timetables.between([table], at("2026-03-01 00:00:00"), now))
    assert {shown(each)[11:] for each in fired} == {"00:07:00"}
