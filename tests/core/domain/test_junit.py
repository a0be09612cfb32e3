"""What has changed between two reports of tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import junit
from steersman.core.junit import Case, Comparison, Report, State, Totals

P, F, E, S = State.PASSED, State.FAILED, State.ERRORED, State.SKIPPED
CASES = st.builds(
    Case,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y", "z"]),
    st.floats(0, 10),
    st.sampled_from(State),
)
REPORTS = st.lists(CASES, max_size=8).map(junit.report)


def told(*states: State, seconds: float = 0.0) -> Report:
    return junit.report(Case("s", f"t{at}", seconds, each) for at, each in enumerate(states))


def lists_of(comparison: Comparison) -> set[str]:
    return {name for name, listed in comparison._asdict().items() if listed.total}


def test_totals_are_counted() -> None:
    assert told(P, P, P, F, F, E, S, seconds=0.5).totals == Totals(3, 2, 1, 1, 3.5)
    assert told(P, F, E, S).totals.tests == 4


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (P, P, set()),
        (P, F, {"newly_failed"}),
        (P, E, {"newly_failed"}),
        (S, F, {"newly_failed"}),
        (P, S, set()),
        (F, P, {"fixed"}),
        (E, P, {"fixed"}),
        (F, S, set()),
        (F, F, {"still_failing"}),
        (F, E, {"still_failing"}),
        (E, F, {"still_failing"}),
        (S, S, set()),
        (None, P, {"added"}),
        (None, F, {"added", "newly_failed"}),
        (P, None, {"removed"}),
        (F, None, {"removed"}),
    ],
)
def test_each_change_has_its_list(
    before: State | None, now: State | None, expected: set[str]
) -> None:
    old, new = (told() if state is None else told(state) for state in (before, now))
    assert lists_of(junit.compare(old, new)) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (1.0, 1.4, False),
        (1.0, 1.5, True),
        (0.01, 0.4, False),
        (0.0, 0.5, True),
        (10.0, 12.0, False),
    ],
)
def test_slower_takes_seconds_and_times(before: float, now: float, expected: bool) -> None:
    compared = junit.compare(told(P, seconds=before), told(P, seconds=now))
    assert bool(compared.slower.total) is expected


def test_the_slowest_come_first_and_failures_are_not_slow() -> None:
    now = junit.report([Case("s", "t0", 3, P), Case("s", "t1", 9, P), Case("s", "t2", 9, F)])
    slower = junit.compare(told(P, P, P, seconds=1), now).slower
    assert [(each.case.name, each.seconds_before) for each in slower.items] == [
        ("t1", 1),
        ("t0", 1),
    ]


def test_lists_are_bounded_and_say_how_many_there_were() -> None:
    compared = junit.compare(told(*[P] * 7), told(*[F] * 7), most=3)
    assert [each.name for each in compared.newly_failed.items] == ["t0", "t1", "t2"]
    assert compared.newly_failed.total == 7


@pytest.mark.parametrize("states", [(P, F), (F, P), (S, F, P)])
def test_a_test_reported_twice_ended_as_the_worst(states: tuple[State, ...]) -> None:
    twice = junit.report(Case("s", "t0", 0, state) for state in states)
    assert lists_of(junit.compare(told(P), twice)) == {"newly_failed"}


@given(REPORTS)
def test_a_report_has_no_news_for_itself(report: Report) -> None:
    assert lists_of(junit.compare(report, report)) <= {"still_failing"}


@given(REPORTS, REPORTS)
def test_every_broken_test_is_in_exactly_one_list(before: Report, now: Report) -> None:
    compared = junit.compare(before, now)
    newly, still = ({(c.suite, c.name) for c in each.items} for each in compared[:3:2])
    assert newly | still == {(c.suite, c.name) for c in now.cases if c.state.is_broken}
    assert not newly & still


@given(REPORTS, REPORTS)
def test_what_was_added_is_what_would_be_removed_the_other_way(a: Report, b: Report) -> None:
    there, back = junit.compare(a, b), junit.compare(b, a)
    assert there.added == back.removed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("1,234.5", 1234.5),
        ("", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("1e400", 0.0),
    ],
)
def test_a_time_is_read_or_is_nothing(text: str, seconds: float) -> None:
    assert junit.seconds(text) == seconds


@pytest.mark.parametrize(
    ("message", "text", "expected"),
    [
        ("no", "no: at line 3", "no: at line 3"),
        ("no", "line 3", "no\nline 3"),
        ("no", " ", "no"),
        ("", " line 3\n", "line 3"),
        ("", "", ""),
        ("x" * 30, "", "x" * 19 + "…"),
    ],
)
def test_a_message_is_not_said_twice(message: str, text: str, expected: str) -> None:
    assert junit.said(message, text, 20) == expected
