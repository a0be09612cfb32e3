"""Versions of steps and ranges of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.core import versions
from steersman.core.errors import UserError

KNOWN = ("0.2.3", "0.2.9", "0.3.0", "1.0.0", "1.2.0", "1.2.9", "1.2.10", "1.10.0", "2.0.0-rc.1")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", "1.10.0"),
        ("*", "1.10.0"),
        ("1.2.0", "1.2.0"),
        ("=1.2.9", "1.2.9"),
        ("1", "1.10.0"),
        ("1.x", "1.10.0"),
        ("1.2.x", "1.2.10"),
        ("1.2", "1.2.10"),
        ("~1.2", "1.2.10"),
        ("~1.2.9", "1.2.10"),
        ("~1", "1.10.0"),
        ("^1.2.1", "1.10.0"),
        ("^0.2.3", "0.2.9"),
        ("^0", "0.3.0"),
        (">=1.0 <2", "1.10.0"),
        (">=1.0<1.10", "1.2.10"),
        (">1.2", "1.10.0"),
        (">1.2.9", "1.10.0"),
        ("> 1.2.9 <= 1.2", "1.2.10"),
        ("<=1.2", "1.2.10"),
        ("<1", "0.3.0"),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        (">=2.0.0-rc.0", "2.0.0-rc.1"),
        ("~2.0", None),
        ("3", None),
        (">*", None),
        ("<*", None),
        (">=*", "1.10.0"),
    ],
)
def test_a_range_takes_the_newest_version_in_it(wanted: str, found: str | None) -> None:
    assert versions.newest(KNOWN, wanted) == found


@pytest.mark.parametrize("text", ["latest", "1.2.3.4", "01.2.3", ">=", "1..2", "1.2.3\0", "1|2"])
def test_what_is_no_range_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserError, match="no range of versions"):
        versions.newest(KNOWN, text)


@pytest.mark.parametrize(
    "text",
    ["1.2", "v1.2.3", "1.2.3-", "1.2.3\n", "\u0661.2.3", "9999999999.0.0", "1.2.3+build", ""],
)
def test_only_three_numbers_are_a_version(text: str) -> None:
    assert versions.parse(text) is None


def test_versions_before_a_release_come_in_their_order_before_it() -> None:
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"]
    shuffled = texts[::-1]
    assert sorted(shuffled, key=lambda text: versions.parse(text) or ()) == texts


def test_a_number_comes_before_a_word() -> None:
    number, word = versions.parse("1.0.0-9"), versions.parse("1.0.0-a")
    assert number is not None
    assert word is not None
    assert number < word


def test_what_is_named_exactly_is_found_however_it_is_spelled() -> None:
    assert versions.newest(["2019a", "1.0.0"], "2019a") == "2019a"
    assert versions.newest(["2019a"], "*") is None


small = st.integers(0, 3)
texts = st.builds("{}.{}.{}".format, small, small, small)


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, unique=True), texts)
def test_a_caret_never_leaves_its_first_number_nor_goes_back(known: list[str], low: str) -> None:
    found = versions.newest(known, f"^{low}")
    fitting = [each for each in known if each[0] == low[0] and each >= low]
    if low[0] != "0":
        assert found == max(fitting, default=None)
    elif found is not None:
        assert found in fitting


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789.x*~^<>= -abv", max_size=14))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        found = versions.newest(KNOWN, text)
    except UserError:
        return
    assert found is None or found in KNOWN
