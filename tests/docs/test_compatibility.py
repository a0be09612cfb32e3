"""docs/compatibility.md names tests that exist, and calls nothing done that met no engine."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from tests.docs.making import DOCS

TESTS = DOCS.parent / "tests"
PAGE = DOCS / "compatibility.md"
STATES = {"done", "no engine", "successor", "partly", "not done"}
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
SCENARIO = re.compile(r"scenario (\w+)")
MET_BY = {"engine", "where", "containers", "here", "ended"}
"""Fixtures that bring a real engine."""


class Row(NamedTuple):
    """A feature, its state, and what shows it."""

    feature: str
    state: str
    shown_by: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return NAMED.findall(self.shown_by)

    @property
    def scenarios(self) -> list[str]:
        return SCENARIO.findall(self.shown_by)


def rows() -> list[Row]:
    text = PAGE.read_text().partition("## Rows")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [Row(each[0].strip(), each[2].strip(), each[3]) for each in cells[2:]]


ROWS = rows()


@cache
def module(path: str) -> ast.Module:
    return ast.parse((TESTS / path).read_text())


def function(path: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return next(
        (each for each in module(path).body if isinstance(each, kinds) and each.name == name), None
    )


def meets_an_engine(path: str, name: str) -> bool:
    """Tell whether a test asks for an engine: by its mark, its module's, or a fixture."""
    found = function(path, name)
    assert found is not None
    marks = [ast.unparse(each) for each in found.decorator_list]
    marks += [
        ast.unparse(each.value)
        for each in module(path).body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "pytestmark"
    ]
    asked = {each.arg for each in found.args.args}
    return any("engine" in mark for mark in marks) or not MET_BY.isdisjoint(asked)


def test_the_page_has_every_row_once() -> None:
    assert len(ROWS) >= 60
    assert len({row.feature for row in ROWS}) == len(ROWS)
    assert {row.state for row in ROWS} <= STATES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.feature))
def test_the_tests_that_are_named_exist(row: Row) -> None:
    assert [name for path, name in row.tests if function(path, name) is None] == []
    cases = TESTS / "scenarios" / "cases"
    assert [name for name in row.scenarios if not (cases / f"{name}.yml").is_file()] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.feature))
def test_nothing_is_done_that_has_met_no_engine(row: Row) -> None:
    if row.state == "done":
        assert row.scenarios or any(meets_an_engine(path, name) for path, name in row.tests)
    elif row.state == "no engine":
        assert row.tests
