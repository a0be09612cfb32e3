"""Tables of text, and times and sizes in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from steersman.cli.remote import tables
from steersman.cli.remote.tables import Column, of

COLUMNS = (of("name"), of("text", shrinks=True), of("state"))


def test_a_table_is_as_wide_as_what_is_in_it() -> None:
    items = [{"name": "a", "text": "some words", "state": "failed"}, {"name": "long"}]
    assert tables.draw(COLUMNS, items, None) == [
        "NAME  TEXT        STATE",
        "a     some words  failed",
        "long  -           -",
    ]


def test_a_column_that_may_shrink_gives_way() -> None:
    items = [{"name": "a", "text": "x" * 200, "state": "failed"}]
    drawn = tables.draw(COLUMNS, items, 30)
    assert drawn[1] == "a     " + "x" * 15 + "…  failed"
    assert max(map(len, drawn)) == 30


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.integers(40, 80))
def test_no_text_leaves_its_line_or_the_room_there_is(texts: list[str], width: int) -> None:
    items = [{"name": "n", "text": text, "state": "s"} for text in texts]
    drawn = tables.draw(COLUMNS, items, width)
    assert len(drawn) == len(texts) + 1
    assert all(cell_len(line) <= width and line.isprintable() for line in drawn)


def test_a_style_changes_no_width() -> None:
    loud = Column("A", lambda item: str(item["a"]), style=lambda text: f"<{text}>")
    assert tables.draw([loud, of("b")], [{"a": "x", "b": 1}, {"a": "yyy", "b": 2}], None) == [
        "A    B",
        "<x>    1",
        "<yyy>  2",
    ]


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        (None, "-"),
        ("nonsense", "-"),
        ("2026-01-01T00:00:00.500Z", "now"),
        ("2025-12-31T23:56:59.000Z", "3 m ago"),
        ("2025-12-30T00:00:00Z", "2 d ago"),
        ("2026-01-01T02:00:01Z", "in 2 h"),
    ],
)
def test_a_time_is_said_as_one_says_it(stamp: str | None, said: str) -> None:
    now = tables.seconds("2026-01-01T00:00:00.000Z")
    assert now is not None
    assert tables.relative(stamp, now) == said


@pytest.mark.parametrize(
    ("count", "said"), [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB")]
)
def test_a_size_is_said_shortly(count: int | None, said: str) -> None:
    assert tables.size(count) == said
