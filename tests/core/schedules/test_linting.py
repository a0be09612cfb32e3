"""Forty schedules and exactly the doubts that each of them raises."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.core.schedules import expressions, linting, specs
from steersman.core.schedules.expressions import Mode

NOW = 1_800_000_000
BERLIN = "Europe/Berlin"

EXPRESSIONS = {
    "17 3 * * *": "", "*/15 * * * *": "", "1 1 * * 1-5": "", "H H * * *": "", "@every 6h": "",
    "@every 2d": "", "H 2 * * *": "", "5 4 1 * *": "", "5 4 * * mon#2": "",
    "0 3 * * *": "on-the-hour", "0 */6 * * *": "on-the-hour", "@daily": "on-the-hour",
    "0 0 4 * * *": "on-the-hour", "*/7 * * * *": "uneven-step", "1 */5 * * *": "uneven-step",
    "*/45 1 4 * * *": "uneven-step", "0 */5 * * *": "on-the-hour uneven-step",
    "1 1 13 * fri": "day-or", "1 1 1,15 * 1": "day-or", "1 1 */2 * mon": "day-and",
    "1 1 13 * */2": "day-and uneven-step", "1 1 * * 7": "seven", "1 1 * * 5-7": "seven",
    "@every 7h": "every-uneven", "@every 11m": "every-uneven", "1 ? * * *": "question-mark",
    "? 5 4 * * *": "question-mark", "1 1 29 2 *": "rare", "1 1 ? 5 ?": "",
}  # fmt: skip
IN_BERLIN = {
    "17 3 * * *": "", "30 2 * * *": "dst-gap dst-fold", "5 2 * * sun": "dst-gap dst-fold",
    "30 2 25 12 *": "", "*/20 * * * *": "",
}  # fmt: skip
OF_CRONETES = {
    "0 3 * * *": "five-fields", "0 30 4 * * *": "", "0 0 3 * * *": "on-the-hour",
}  # fmt: skip
WHOLE: list[tuple[dict[str, Any], str]] = [
    ({"cron": "*/5 * * * *", "jitter": "5m"}, "jitter-too-long"),
    ({"cron": "*/5 * * * *", "jitter": "4m"}, ""),
    ({"cron": "*/5 * * * *", "alarms": {"running": "10m"}}, "longer-than-interval"),
    ({"cron": "7 4 * * *", "ends": "2026-01-01"}, "ended"),
    ({"cron": "7 4 * * *", "deadline": "500ms"}, "short-deadline"),
    ({"cron": "*/30 * * * * *"}, "dense"),
]  # fmt: skip


def _codes(text: str, zone: str = "UTC", mode: Mode = Mode.STANDARD) -> list[str]:
    expression = expressions.parse(text, mode, seed="some")
    table = expressions.table(expression, zone)
    return sorted(doubt.code for doubt in linting.lint(expression, table, NOW))


@pytest.mark.parametrize(("text", "codes"), EXPRESSIONS.items())
def test_an_expression_raises_these_doubts(text: str, codes: str) -> None:
    assert _codes(text) == sorted(codes.split())


@pytest.mark.parametrize(("text", "codes"), IN_BERLIN.items())
def test_where_clocks_change_it_raises_these(text: str, codes: str) -> None:
    assert _codes(text, BERLIN) == sorted(codes.split())


@pytest.mark.parametrize(("text", "codes"), OF_CRONETES.items())
def test_in_cronetes_grammar_it_raises_these(text: str, codes: str) -> None:
    assert _codes(text, mode=Mode.ROBFIG1) == sorted(codes.split())


@pytest.mark.parametrize(("spec", "codes"), WHOLE)
def test_a_schedule_as_a_whole_raises_these(spec: dict[str, Any], codes: str) -> None:
    schedule = specs.read("some", spec, "shop")
    assert sorted(doubt.code for doubt in linting.lint_spec(schedule, NOW)) == codes.split()


def test_there_are_forty_of_them() -> None:
    assert sum((len(EXPRESSIONS), len(IN_BERLIN), len(OF_CRONETES), len(WHOLE))) >= 40
