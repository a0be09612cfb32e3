"""The same answers as croniter and cronsim give, and as a look at every second does."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter  # type: ignore[import-untyped]
from cronsim import CronSim

from steersman.core.schedules import expressions, timetables
from steersman.core.schedules.complaints import BadExpression
from steersman.core.schedules.expressions import Mode
from tests.core.schedules import oracles


def _field(chance: random.Random, low: int, high: int, *, star: float = 0.4) -> str:
    roll = chance.random()
    if roll < star:
        return "*"
    if roll < star + 0.1:
        return f"*/{chance.randint(1, high)}"
    items = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        first = chance.randint(low, high)
        last = chance.randint(min(first + 1, high), high)
        item = str(first) if first == last or chance.random() < 0.6 else f"{first}-{last}"
        if "-" in item and chance.random() < 0.4:
            item += f"/{chance.randint(1, max(1, last - first))}"
        items.append(item)
    return ",".join(items)


def _five(chance: random.Random) -> str:
    """Return a text of five fields; day of month or weekday is a star, for all mean that alike."""
    day, weekday = _field(chance, 1, 31), _field(chance, 0, 6)
    if chance.random() < 0.5:
        day = "*"
    else:
        weekday = "*"
    hour = _field(chance, 0, 23)
    return f"{_field(chance, 0, 59)} {hour} {day} {_field(chance, 1, 12, star=0.7)} {weekday}"


@pytest.mark.parametrize("seed", range(4))
def test_croniter_and_cronsim_agree(seed: int) -> None:
    chance = random.Random(seed)
    tried = 0
    for _ in range(120):
        text = _five(chance)
        since = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(2_000_000))
        try:
            ours = expressions.table(expressions.parse(text))
        except BadExpression:
            with pytest.raises(Exception, match=r".*"):
                next(CronSim(text, since))
            continue
        theirs, others = CronSim(text, since), croniter(text, since, max_years_between_matches=20)
        instant = int(since.timestamp())
        for _ in range(5):
            found = timetables.after(ours, instant)
            assert found is not None
            instant = found
            assert instant == int(next(theirs).timestamp()), text
            assert instant == int(others.get_next(float)), text
            tried += 1
    assert tried > 300


RULES = ["0 0 L * *", "0 0 LW * *", "0 0 * * 1#1", "0 0 * * 5#5", "0 0 * * 0#3", "0 0 * * 5L"]


@pytest.mark.parametrize("text", RULES)
def test_days_by_rule_are_those_of_cronsim(text: str) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    theirs = CronSim(text, since)
    table = expressions.table(expressions.parse(text))
    instant = int(since.timestamp())
    for _ in range(40):
        found = timetables.after(table, instant)
        assert found is not None
        instant = found
        assert instant == int(next(theirs).timestamp())


def _robfig(chance: random.Random) -> str:
    fields = []
    for low, high in oracles.BOUNDS[: chance.choice((5, 6, 6))]:
        roll = chance.random()
        if roll < 0.45:
            fields.append(chance.choice(("*", "*", "?", "*-3", f"*/{chance.randint(0, 9)}")))
        elif roll < 0.9:
            fields.append(_field(chance, low, high, star=0.1))
        else:
            fields.append(chance.choice(("7", "0", "60", "mon", "JAN", "5-1", ",", "3/4", "x")))
    return " ".join(fields)


def _or_why(text: str) -> timetables.Timetable | str:
    try:
        return expressions.table(expressions.parse(text, Mode.ROBFIG1))
    except BadExpression as error:
        return str(error)


def test_robfigs_first_grammar_is_that_of_a_look_at_every_second() -> None:
    chance = random.Random(6)
    compared = refused = 0
    for _ in range(500):
        text = _robfig(chance)
        since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(40_000_000))
        expected = oracles.robfig_next(text, since, 1500)
        table = _or_why(text)
        if isinstance(table, str):
            assert expected is None or "never" in table, text
            refused += 1
            continue
        assert expected is not None, text
        start = int(since.timestamp())
        found = list(timetables.between([table], start, start + 1500))
        assert found == [int(each.timestamp()) for each in expected], text
        compared += 1
    assert compared > 150
    assert refused > 50


@pytest.mark.parametrize("seed", range(3))
def test_counting_and_going_back_agree_with_going_forward(seed: int) -> None:
    chance = random.Random(seed)
    zones = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"]
    for _ in range(60):
        text = _five(chance)
        policy = timetables.Dst(
            chance.choice(list(timetables.Gap)), chance.choice(list(timetables.Fold))
        )
        try:
            table = expressions.table(expressions.parse(text), chance.choice(zones), policy)
        except BadExpression:
            continue
        start = chance.randrange(1_200_000_000, 1_900_000_000)
        instants, at = [], start
        for _ in range(300):
            found = timetables.after(table, at)
            if found is None or found > start + 400 * 86400:
                break
            instants.append(found)
            at = found
        assert instants == sorted(set(instants))
        assert timetables.count(table, start, at) == len(instants), (text, table.zone.name, policy)
        back: int | None = at
        for expected in reversed(instants):
            assert back is not None
            back = timetables.before(table, back)
            assert back == expected, (text, table.zone.name, policy)
            back -= 1


def test_every_hour_follows_real_time_through_both_changes() -> None:
    table = expressions.table(expressions.parse("0 * * * *"), "Europe/Berlin")
    for day in ("2026-03-29", "2026-10-25"):
        start = oracles.at(f"{day} 00:00", "Europe/Berlin")
        hours = list(timetables.between([table], start, start + 26 * 3600))
        assert {later - sooner for sooner, later in pairwise(hours)} == {3600}


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "since", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 03:00", ["03-29 03:00:00", "03-30 02:30:00"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 03:00", ["10-25 02:30:00", "10-26 02:30:00"]),
        ("0 2,14 * * *", "Europe/Berlin", "2026-03-29 01:00", ["03-29 03:00:00", "03-29 14:00:00"]),
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03", ["11-04 01:00:00", "11-05 00:00:00"]),
        ("0 9 * * mon", "America/Sao_Paulo", "2018-10-30 00:00", ["11-05 09:00:00"]),
        ("0 0 1 * *", "America/Sao_Paulo", "2018-10-30", ["11-01 00:00:00", "12-01 00:00:00"]),
        ("0 12 4 11 ?", "America/Sao_Paulo", "2018-10-20 00:00", ["11-04 12:00:00"]),
        ("30 23 * * *", "America/Nuuk", "2024-03-30 00:00", ["03-30 22:59:59", "03-31 23:30:00"]),
        ("0 12 * * *", "Pacific/Apia", "2011-12-29 00:00", ["12-29 12:00:00", "12-31 12:00:00"]),
    ],
)  # fmt: skip
def test_nothing_is_lost_where_cronetes_lost_hours_days_and_months(
    text: str, zone: str, since: str, expected: list[str]
) -> None:
    found = oracles.following(text, since, len(expected), zone=zone)
    assert [each[5:] for each in found] == expected
