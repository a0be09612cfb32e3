"""Texts of all kinds as schedules: each is read or refused in words, and nothing crashes."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from steersman.core.errors import UserError
from steersman.core.schedules import expressions, linting, specs, timetables
from steersman.core.schedules.complaints import BadExpression
from steersman.core.schedules.expressions import Mode
from tests.core.schedules.oracles import often

NOW = 1_800_000_000
PIECES = (
    *"0123456789*?/-,#LWH() ", "*", " ", " ", "  ", "jan", "MON", "sun", "fri", "59", "60", "31",
    "*/", "H/", "H(0-29)", "L-3", "LW", "15W", "5L", "mon#2", "CRON_TZ=", "TZ=", "Europe/Berlin",
    "@every ", "@daily", "@reboot", "1h", "30m", "-1", "99999999999", "0x1", "\u00b2", "\0", "\n",
)  # fmt: skip
FIELDS = (
    ("0", "*/7", "30,31"), ("*", "0", "*/7", "H/5"), ("*", "H", "1-5"),
    ("*", "L", "31", "29", "LW", "?"), ("*", "*", "2", "*/7"), ("*", "*", "mon#5", "6", "1-5"),
)  # fmt: skip
ZONES = ("UTC", "Europe/Berlin", "Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe")


def _text(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(PIECES, k=chance.randint(1, 14)))
    fields = [chance.choice(each) for each in FIELDS[chance.choice((0, 1, 1)) :]]
    if chance.random() < 0.4:
        at = chance.randrange(len(fields))
        fields[at] += chance.choice(PIECES)
    return " ".join(fields)


@pytest.mark.hypothesis
def test_no_text_crashes_a_reader_or_a_timetable() -> None:
    chance, good, bad = random.Random(11), 0, 0
    for _ in range(often(1_000, 1_000_000)):
        text, mode = _text(chance), chance.choice((Mode.STANDARD, Mode.STANDARD, Mode.ROBFIG1))
        try:
            expression = expressions.parse(text, mode, seed="x")
            table = expressions.table(expression, chance.choice(ZONES))
        except UserError as error:
            bad += 1
            refused = error
        else:
            good += 1
            _use(table, text)
            if chance.random() < 0.05:
                linting.lint(expression, table, NOW)
            continue
        assert str(refused), text
        if isinstance(refused, BadExpression):
            assert 0 <= refused.column <= len(text), text
    assert min(good, bad) > 100


def _use(table: timetables.Timetable, text: str) -> None:
    found = timetables.after(table, NOW)
    if found is not None:
        assert found > NOW, text
        assert timetables.before(table, found) == found, text
        assert timetables.count(table, NOW, found) == 1, text


@pytest.mark.parametrize("value", [None, 7, [], {}, "", " ", "\0", "x" * 2000, {"all": True}])
def test_no_value_crashes_a_key(value: object) -> None:
    for key in specs.KEYS:
        with suppress(UserError):
            specs.check({"cron": "@daily", key: value})
