"""Which changes of a project matter."""

from __future__ import annotations

import pytest

from steersman.core import watching

ONE = ("file", 1, 1.0)


def test_what_was_made_changed_or_removed_is_named() -> None:
    before = {"same": ONE, "gone": ONE, "longer": ONE, "later": ONE}
    after = {"same": ONE, "longer": ("file", 2, 1.0), "later": ("file", 1, 2.0), "new": ONE}
    assert watching.changes(before, after) == ("gone", "later", "longer", "new")
    assert watching.changes(after, after) == ()


@pytest.mark.parametrize(
    ("name", "is_folder", "noise"),
    [
        ("src/.git", True, True),
        ("node_modules", True, True),
        ("src/.app.py.swp", False, True),
        ("app.py~", False, True),
        ("a.pyc", False, True),
        (".env", False, False),
        ("_src", True, False),
        ("node_modules", False, False),
    ],
)
def test_what_tools_write_beside_the_source_is_noise(
    name: str, is_folder: bool, noise: bool
) -> None:
    assert watching.is_noise(name, is_folder) is noise


def test_only_the_first_of_many_are_named() -> None:
    assert watching.words(["a"]) == "a changed"
    assert watching.words(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more changed"
