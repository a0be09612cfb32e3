"""What a step says of itself, and whether it is used as it says."""

from __future__ import annotations

import pytest

from steersman.core import manifests
from steersman.core.manifests import Manifest, Property
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.problems import Place, Severity

PLACE = Place("wercker.yml", 3, 7)


def step(**properties: str) -> Step:
    return Step(
        id="acme/greet", owner="acme", name="greet", version="*", place=PLACE,
        kind=StepKind.FETCHED, display_name="greet",
        properties={name.replace("_", "-"): text for name, text in properties.items()},
    )  # fmt: skip


def test_both_forms_of_properties_are_read_alike() -> None:
    item = {"type": "Integer", "default": "3", "required": "true"}
    listed = manifests.read({"name": "n", "properties": [{"name": "a", **item}, {"name": "b"}]})
    mapped = manifests.read({"name": "n", "properties": {"a": item, "b": ""}})
    assert listed == mapped
    assert listed.properties == (Property("a", "integer", "3", True), Property("b"))


@pytest.mark.parametrize(
    "data", [None, "text", [], {}, {"properties": "x"}, {"properties": [1, [], {"type": "x"}]}]
)
def test_what_makes_no_sense_is_left_out(data: object) -> None:
    assert manifests.read(data) == Manifest()


def test_a_default_holds_no_nul() -> None:
    read = manifests.read({"properties": [{"name": "a", "default": "x\0y"}]})
    assert read.properties[0].default == "xy"


def test_a_missing_required_property_is_a_mistake_at_the_step() -> None:
    (problem,) = manifests.check(step(), Manifest(properties=(Property("who", required=True),)))
    assert problem.severity is Severity.ERROR
    assert problem.place == PLACE
    assert "who" in problem.message


@pytest.mark.parametrize(
    "item",
    [
        Property("who", default="me", required=True),
        Property("who"),
        Property("name", required=True),
        Property("cwd", required=True),
    ],
)
def test_what_has_a_default_or_is_read_by_us_is_not_missing(item: Property) -> None:
    assert list(manifests.check(step(), Manifest(properties=(item,)))) == []


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("integer", ["1", "-20", " 3 ", "$PORT", ""], ["x", "1.5", "0x1", "²"]),
        ("number", ["1", "-2.5", "${RATE}"], ["x", "1.2.3", "."]),
        ("boolean", ["true", "no", "On"], ["maybe", "2"]),
        ("string", ["anything", "1"], []),
        ("array", ["made up by its author"], []),
    ],
)
def test_a_value_must_be_of_its_type_unless_it_refers(
    kind: str, right: list[str], wrong: list[str]
) -> None:
    manifest = Manifest(properties=(Property("a-b", kind),))
    refused = [text for text in right + wrong if list(manifests.check(step(a_b=text), manifest))]
    assert refused == wrong


def test_an_unknown_property_is_a_doubt_with_the_nearest_name() -> None:
    manifest = Manifest(properties=(Property("message"), Property("channel")))
    (problem,) = manifests.check(step(mesage="x"), manifest)
    assert problem.severity is Severity.WARNING
    assert problem.hint == "did you mean `message`?"


def test_a_step_without_declared_properties_takes_any() -> None:
    assert list(manifests.check(step(a="b"), Manifest())) == []


def test_two_spellings_of_a_property_are_one() -> None:
    manifest = Manifest(properties=(Property("source_dir", required=True),))
    assert list(manifests.check(step(source_dir="x"), manifest)) == []
