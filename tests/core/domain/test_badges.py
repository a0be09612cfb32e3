"""Badges and cctray.xml are XML whatever the names are, and can be read by people and programs."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import badges
from steersman.core.attempts import State
from steersman.core.badges import Activity, CcProject, Status

HOSTILE = "\"'><script>alert(1)</script>&amp;\0\x1b\ud800\uffff"
SVG = "{http://www.w3.org/2000/svg}"
PROJECT = CcProject(
    "shop/main", Activity.SLEEPING, Status.SUCCESS, "17", 1_700_000_000.9, "https://ci.example/17"
)


def texts(drawn: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314


def attributes(project: CcProject) -> dict[str, str]:
    return ElementTree.fromstring(badges.cctray([project]))[0].attrib  # noqa: S314


def test_a_badge_says_label_and_state() -> None:
    drawn = badges.svg("build", "succeeded")
    assert texts(drawn) == ["build", "succeeded"]
    assert badges.COLOURS["succeeded"] in drawn


@given(st.text(max_size=80) | st.just(HOSTILE), st.text(max_size=80) | st.just(HOSTILE))
def test_a_badge_is_well_formed_whatever_it_says(label: str, state: str) -> None:
    root = ElementTree.fromstring(badges.svg(label, state))  # noqa: S314
    tags = [each.tag.removeprefix(SVG) for each in root.iter()]
    assert tags == ["svg", "title", "rect", "path", "g", "text", "text"]


def test_a_badge_stays_small() -> None:
    (label, _) = texts(badges.svg("x" * 1000, "failed"))
    assert label == "x" * 59 + "…"


def test_a_longer_text_makes_a_wider_badge() -> None:
    short, long, wide = (
        int(ElementTree.fromstring(badges.svg(label, "failed")).attrib["width"])  # noqa: S314
        for label in ("iiii", "iiiiii", "WWWWWW")
    )
    assert short < long < wide


@pytest.mark.parametrize("state", [str(state) for state in State if state.is_final])
def test_every_end_has_a_colour(state: str) -> None:
    assert badges.COLOURS[state] in badges.svg("build", state)


def test_a_state_without_a_colour_is_grey() -> None:
    assert not any(colour in badges.svg("build", "unknown") for colour in badges.COLOURS.values())


def _light(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", sorted({*badges.COLOURS.values(), "#3b4252", "#6b7280"}))
def test_white_text_can_be_read_on_every_colour(colour: str) -> None:
    assert 1.05 / (_light(colour) + 0.05) >= 4.5


def test_a_project_is_written_in_the_words_of_cctray() -> None:
    assert attributes(PROJECT) == {
        "name": "shop/main",
        "activity": "Sleeping",
        "lastBuildStatus": "Success",
        "lastBuildLabel": "17",
        "lastBuildTime": "2023-11-14T22:13:20Z",
        "webUrl": "https://ci.example/17",
    }


def test_a_project_that_never_ran_has_no_time() -> None:
    never = PROJECT._replace(status=Status.UNKNOWN, label="", time=None)
    assert sorted(attributes(never)) == ["activity", "lastBuildStatus", "name", "webUrl"]


@given(st.text())
def test_a_projects_name_comes_back_whatever_it_is(name: str) -> None:
    name = f"x{name}"
    allowed = badges._FORBIDDEN.sub("\ufffd", name)
    assert attributes(PROJECT._replace(name=name))["name"] == allowed


def test_a_hostile_name_stays_in_its_attribute() -> None:
    named = attributes(PROJECT._replace(name=HOSTILE))
    assert named["name"] == HOSTILE[:-4] + "\ufffd" * 4
    assert len(named) == 6


def test_many_projects_keep_their_order() -> None:
    written = badges.cctray(PROJECT._replace(name=name) for name in "cab")
    names = [each.attrib["name"] for each in ElementTree.fromstring(written)]  # noqa: S314
    assert names == ["c", "a", "b"]
    assert len(ElementTree.fromstring(badges.cctray([]))) == 0  # noqa: S314
