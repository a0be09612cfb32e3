from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import retention
from steersman.core.errors import UserError
from steersman.core.retention import (
    DAY,
    DEFAULT,
    ArtifactFacts,
    BlobFacts,
    CacheFacts,
    PieceFacts,
    Policy,
    RunFacts,
)

NOW = 1000 * DAY
FEW = Policy(last_runs=2)


def test_what_a_project_does_not_say_is_as_the_server_has_it() -> None:
    default = Policy(logs=5 * DAY)
    assert retention.policy(None, default) == default
    assert retention.policy({"pool": "x"}, default) == default
    assert retention.policy({"retention": {"runs": 2.5}}, default) == Policy(
        runs=2.5 * DAY, logs=5 * DAY
    )


def test_gigabytes_and_runs_are_counted_as_such() -> None:
    found = retention.policy({"retention": {"cache-gigabytes": 1.5, "last-runs": 7}})
    assert found == DEFAULT._replace(cache_bytes=1_500_000_000, last_runs=7)


@pytest.mark.parametrize("name", retention.SETTINGS)
@pytest.mark.parametrize(
    "value", [0, -1, True, "30", None, [], float("inf"), float("nan"), 10**400, 10_001]
)
def test_a_value_that_cannot_be_is_refused_with_its_name(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"retention: {name} is ") as caught:
        retention.policy({"retention": {name: value}})
    assert "above 0" in str(caught.value.hint)


def test_half_a_run_is_refused() -> None:
    with pytest.raises(UserError, match=r"last-runs is 1\.5"):
        retention.policy({"retention": {"last-runs": 1.5}})


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no 'log'") as caught:
        retention.policy({"retention": {"log": 3}})
    assert "logs" in str(caught.value.hint)


def test_something_else_than_a_map_is_refused() -> None:
    with pytest.raises(UserError, match="not a map"):
        retention.policy({"retention": 30})


def run(number: int, days: float | None = 400, *, green: bool = False, name: str = "b") -> RunFacts:
    """Return a run of main that ended *days* ago; None goes on."""
    ended = None if days is None else NOW - days * DAY
    return RunFacts(f"r{number}", number, "main", name, ended, green)


def test_old_runs_go_but_for_the_last_ones() -> None:
    rows = [run(number, green=number == 4) for number in range(1, 6)]
    assert retention.runs_to_drop(rows, FEW, NOW) == ["r1", "r2", "r3"]


def test_the_newest_green_run_stays_behind_any_number_of_red_ones() -> None:
    rows = [run(1, green=True), run(2, green=True), *(run(number) for number in range(3, 9))]
    assert retention.runs_to_drop(rows, FEW, NOW) == ["r1", "r3", "r4", "r5", "r6"]


def test_the_newest_run_of_each_name_stays() -> None:
    rows = [run(1, name="rare"), run(2, name="rare"), run(3), run(4), run(5)]
    assert retention.runs_to_drop(rows, FEW, NOW) == ["r1", "r3"]


def test_a_run_that_ended_lately_stays_however_old_it_is() -> None:
    rows = [run(1, 179), run(2, 181), run(3), run(4), run(5)]
    assert retention.runs_to_drop(rows, FEW, NOW) == ["r2", "r3"]


RUNS = st.lists(
    st.builds(
        RunFacts,
        id=st.uuids().map(str),
        number=st.integers(1, 1000),
        branch=st.sampled_from(["main", "next"]),
        name=st.sampled_from(["build", "nightly"]),
        ended=st.none() | st.floats(0, NOW),
        green=st.booleans(),
    ),
    unique_by=lambda row: row.number,
)


@given(RUNS, st.integers(1, 5))
def test_neither_what_goes_on_nor_the_last_nor_the_newest_ended_one_ever_goes(
    rows: list[RunFacts], last: int
) -> None:
    gone = set(retention.runs_to_drop(rows, Policy(last_runs=last), NOW))
    left = [row for row in rows if row.id not in gone]
    for branch in ("main", "next"):
        mine = sorted(row.number for row in rows if row.branch == branch)
        assert set(mine[-last:]) <= {row.number for row in left}
        for name in ("build", "nightly"):
            ended = [
                row
                for row in rows
                if (row.branch, row.name) == (branch, name) and row.ended is not None
            ]
            if ended:
                assert max(ended, key=lambda row: row.number) in left
    assert all(row.ended is not None for row in rows if row.id in gone)
    # What is left of one branch is what is kept for its number or its age, and two of each name.
    old = [row for row in left if row.ended is not None and NOW - row.ended > DEFAULT.runs]
    assert len(old) <= 2 * last + 2 * 2 * 2


def artifact(identity: str, **said: Any) -> ArtifactFacts:
    facts = ArtifactFacts(identity, "p", True, NOW - 31 * DAY, None, True, False)
    return facts._replace(**said)


def test_artifacts_go_at_their_own_end_or_after_a_month() -> None:
    rows = [
        artifact("old"),
        artifact("new", created=NOW - 29 * DAY),
        artifact("short", created=NOW - DAY, expires=NOW - 1),
        artifact("long", expires=NOW + 1),
        artifact("needed", ended=False),
        artifact("deployable", newest_green=True),
        artifact("report", newest_green=True, is_output=False),
    ]
    assert retention.artifacts_to_drop(rows, DEFAULT, NOW) == ["old", "short", "report"]


def test_caches_that_nobody_uses_go() -> None:
    rows = [CacheFacts("old", 1, NOW - 15 * DAY), CacheFacts("new", 1, NOW - 13 * DAY)]
    assert retention.caches_to_drop(rows, DEFAULT, NOW) == ["old"]


def test_the_longest_unused_caches_make_room() -> None:
    rows = [CacheFacts(name, 4, NOW - age) for age, name in enumerate("abcd")]
    assert retention.caches_to_drop(rows, Policy(cache_bytes=9), NOW) == ["c", "d"]


def test_a_cache_that_is_too_large_by_itself_takes_no_room() -> None:
    rows = [CacheFacts("huge", 10, NOW), CacheFacts("small", 9, NOW - 1)]
    assert retention.caches_to_drop(rows, Policy(cache_bytes=9), NOW) == ["huge"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), max_size=12))
def test_caches_fit_and_none_that_stays_is_older_than_one_that_goes(
    found: list[tuple[int, int]],
) -> None:
    rows = [
        CacheFacts(str(number), size, NOW - days * DAY) for number, (size, days) in enumerate(found)
    ]
    gone = retention.caches_to_drop(rows, Policy(cache_bytes=12), NOW)
    left = [row for row in rows if row.id not in gone]
    assert sum(row.size for row in left) <= 12
    newest_gone = max((row.used for row in rows if row.id in gone), default=0.0)
    assert all(row.used >= newest_gone for row in left)


def test_an_unnamed_blob_is_noted_then_left_alone_for_a_day_and_then_deleted() -> None:
    blob = BlobFacts("b", NOW - 9 * DAY, named=False)
    assert retention.judge([blob], DEFAULT, NOW).note == {"b": NOW}
    later = blob._replace(noted=NOW)
    assert retention.judge([later], DEFAULT, NOW + DAY) == ({}, (), ())
    assert retention.judge([later], DEFAULT, NOW + DAY + 1).delete == ("b",)


def test_a_named_blob_is_never_deleted_and_its_note_is_forgotten() -> None:
    blob = BlobFacts("b", 0.0, named=True, noted=0.0)
    assert retention.judge([blob], DEFAULT, NOW) == ({}, ("b",), ())
    assert retention.judge([blob._replace(noted=None)], DEFAULT, NOW) == ({}, (), ())


def test_a_blob_that_was_put_again_has_another_day() -> None:
    blob = BlobFacts("b", NOW - 60, named=False, noted=NOW - 9 * DAY)
    assert retention.judge([blob], DEFAULT, NOW) == ({"b": NOW - 60}, (), ())


PIECES = st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.booleans()), max_size=30)


@given(PIECES)
def test_merged_pieces_follow_each_other_and_are_not_too_large(
    found: list[tuple[int, bool, bool]],
) -> None:
    pieces: list[PieceFacts] = []
    end = 0
    for size, inline, hole in found:
        start = end + hole
        end = start + size
        pieces.append(PieceFacts(start, end, inline))
    groups = list(retention.merges(pieces, size=50))
    for group in groups:
        assert all(piece.inline for piece in group)
        assert all(one.stop == two.start for one, two in pairwise(group))
        assert len(group) > 1
        assert group[-1].stop - group[0].start <= 50
    merged = [piece for group in groups for piece in group]
    assert merged == [piece for piece in pieces if piece in merged]


def test_no_more_pieces_are_merged_at_once_than_one_transaction_should_hold() -> None:
    pieces = [PieceFacts(start, start + 1, inline=True) for start in range(450)]
    assert [len(group) for group in retention.merges(pieces)] == [200, 200, 50]
