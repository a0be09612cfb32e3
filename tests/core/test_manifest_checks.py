"""What keeps a step's manifest from being published."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.core.errors import Conflict, UserError
from steersman.core.manifest_checks import check
from steersman.core.problems import Severity
from steersman.core.step_indexes import Published, added, read, write

GOOD: dict[str, Any] = {"name": "greet", "version": "1.0.0", "summary": "greets"}
DIGEST = "a" * 64


def said(**more: Any) -> list[str]:
    return [remark.message for remark in check({**GOOD, **more})]


def test_a_good_manifest_has_no_remarks() -> None:
    properties = [
        {"name": "who", "type": "string", "default": "you"},
        {"name": "n", "type": "integer"},
    ]
    assert said(properties=properties) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"name": ""}, "it has no name"),
        ({"name": "a b"}, "'a b' is no name of a step"),
        ({"version": "v1"}, "'v1' is no version"),
        ({"version": "01.0.0"}, "'01.0.0' is no version"),
        ({"summary": ""}, "it has no summary"),
        ({"sumary": "x"}, "the key 'sumary' means nothing"),
        ({"properties": "who"}, "properties are no list"),
        ({"properties": {"who": ""}}, "properties are written as a map, the older form"),
        ({"properties": [{"type": "string"}]}, "property 1 has no name"),
        ({"properties": [{"name": "a b"}]}, "property 1 cannot be called 'a b'"),
        ({"properties": [{"name": "cwd"}]}, "the property cwd never reaches a step"),
        (
            {"properties": [{"name": "a-b"}, {"name": "a_b"}]},
            "the properties a-b and a_b make the same variable",
        ),
        ({"properties": [{"name": "n", "type": "int"}]}, "the type 'int' of n is not known"),
        ({"properties": [{"name": "n", "required": "maybe"}]}, "`required` of n is 'maybe'"),
        (
            {"properties": [{"name": "n", "type": "integer", "default": "x"}]},
            "the default 'x' of n does not fit its type integer",
        ),
        (
            {"properties": [{"name": "n", "required": "true", "default": "x"}]},
            "n is required and has a default, so it need not be given",
        ),
        ({"properties": [{"name": "n", "defualt": "x"}]}, "the key 'defualt' of n means nothing"),
    ],
)
def test_each_mistake_is_named(more: dict[str, Any], message: str) -> None:
    assert said(**more) == [message]


@pytest.mark.parametrize("data", [None, "", [], "text"])
def test_what_is_no_map_is_one_error(data: object) -> None:
    assert [remark.severity for remark in check(data)] == [Severity.ERROR]


def test_an_index_is_read_as_it_was_written() -> None:
    known = {
        "1.0.0": Published(DIGEST, 3, "x"),
        "1.10.0": Published(DIGEST, 4),
        "1.9.0": Published(DIGEST, 5),
    }
    assert read(write(known)) == known
    assert list(read(write(known))) == ["1.10.0", "1.9.0", "1.0.0"]


def test_nothing_in_an_index_leads_elsewhere() -> None:
    item = {"sha256": DIGEST, "size": 1}
    text = '{"versions": {"../../x": %s, "1.0.0": %s, "1.0.1": {"sha256": "../x", "size": 1}}}'
    shown = str(item).replace("'", '"')
    assert list(read(text % (shown, shown))) == ["1.0.0"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"versions": 3}', "[" * 100_000])
def test_what_is_no_index_is_the_users_to_mend(text: str) -> None:
    with pytest.raises(UserError, match="no index"):
        read(text)


def test_a_version_stays_as_it_was_published() -> None:
    known = {"1.0.0": Published(DIGEST, 3)}
    assert added(known, "a/b", "1.0.0", Published(DIGEST, 3)) == known
    with pytest.raises(Conflict, match="published already"):
        added(known, "a/b", "1.0.0", Published("b" * 64, 3))
