"""Old runs go; recent ones and the ones that links point to stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from steersman.core import old_runs
from steersman.core.old_runs import OldRun

DAY = 24 * 3600.0
some_runs = st.lists(
    st.builds(OldRun, st.text("abcdef", min_size=3), st.floats(0, 10 * DAY)),
    unique_by=lambda run: run.name,
)


@given(some_runs, st.integers(0, 5))
def test_the_newest_are_kept_whatever_their_age(seen: list[OldRun], keep: int) -> None:
    gone = old_runs.plan(seen, now=100 * DAY, keep=keep)
    kept = [run for run in seen if run.name not in gone]
    assert len(kept) == min(keep, len(seen))
    assert not any(old.modified > new.modified for old in seen if old.name in gone for new in kept)


@given(some_runs)
def test_nothing_younger_than_the_age_goes(seen: list[OldRun]) -> None:
    gone = old_runs.plan(seen, now=10 * DAY, keep=0, max_age=DAY)
    assert set(gone) == {run.name for run in seen if 10 * DAY - run.modified > DAY}


@given(some_runs)
def test_what_a_link_points_to_stays(seen: list[OldRun]) -> None:
    referenced = frozenset(run.name for run in seen[:2])
    assert not referenced & set(old_runs.plan(seen, now=100 * DAY, keep=0, referenced=referenced))
