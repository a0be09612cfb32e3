"""References in what we expand ourselves."""

from __future__ import annotations

import pytest

from steersman.core.interpolation import interpolate, names

VARIABLES = {"A": "value", "A_1": "longest", "B": "$A"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no reference", "no reference"),
        ("$A-${A}", "value-value"),
        ("$A_1", "longest"),
        ("$B", "$A"),
        ("[$UNKNOWN${UNKNOWN}]", "[]"),
        ("\\$A", "\\value"),
        ("$1A $* $? $$", "A   "),
        ("${A:-default}", ""),
        ("ends with $", "ends with $"),
        ("$ A $é", "$ A $é"),
        ("${A", "${A"),
        ("${}", ""),
    ],
)
def test_a_text_is_interpolated_as_the_original_did(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES) == expected


def test_the_names_a_text_refers_to_come_in_order() -> None:
    assert list(names("$B and ${A} $B")) == ["B", "A", "B"]
