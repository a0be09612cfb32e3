"""Ids sort by time, and only ids look like ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import ids

TIMES = st.integers(0, ids.MOST_MILLISECONDS)
RANDOM = st.binary(min_size=ids.RANDOM_BYTES, max_size=ids.RANDOM_BYTES)


@given(TIMES, RANDOM)
def test_an_id_knows_when_it_was_made(time: int, randomness: bytes) -> None:
    made = ids.make(time, randomness)
    assert ids.is_id(made)
    assert ids.milliseconds(made) == time


@given(TIMES, RANDOM, TIMES, RANDOM)
def test_ids_sort_by_time_and_then_by_chance(
    time: int, randomness: bytes, later: int, other: bytes
) -> None:
    values = sorted([(time, randomness), (later, other)])
    assert [ids.make(*value) for value in values] == sorted(ids.make(*value) for value in values)


def test_the_form_of_an_id_never_changes() -> None:
    assert ids.make(0, bytes(10)) == "0" * 26
    assert ids.make(ids.MOST_MILLISECONDS, b"\xff" * 10) == "7" + "v" * 25
    assert ids.make(1_700_000_000_000, bytes(range(10))) == "01hf7uaq00000g40o40k30e209"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "8" + "0" * 25,
        "0" * 25 + "w",
        "0" * 25 + "A",
        "0" * 26 + "\n",
        "0_" + "0" * 24,
        " " + "0" * 25,
        "\u0661" * 26,
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert not ids.is_id(text)
    with pytest.raises(ValueError, match="is no id"):
        ids.milliseconds(text)


@pytest.mark.parametrize(
    ("time", "randomness"),
    [(-1, bytes(10)), (2**48, bytes(10)), (1, bytes(9)), (1, bytes(11))],
)
def test_what_an_id_cannot_hold_is_refused(time: int, randomness: bytes) -> None:
    with pytest.raises(ValueError, match="an id"):
        ids.make(time, randomness)
