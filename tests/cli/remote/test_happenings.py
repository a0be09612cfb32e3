"""Server-sent events, taken apart wherever they are cut; and what they say that is new."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from steersman.cli.remote import snapshots
from steersman.cli.remote.happenings import Reader
from steersman.cli.remote.snapshots import Line

STREAM = (
    b'retry: 1000\n\nid: 7\nevent: job\ndata: {"number": 7}\n\n: still here\n\n'
    b'id: 8\r\nevent: run\r\ndata: {"caf\xc3\xa9":\r\ndata: 2}\r\n\r\ndata: no json\n\n'
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=6).map(sorted))
def test_events_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    reader = Reader()
    edges = [0, *cuts, len(STREAM)]
    pieces = [STREAM[start:stop] for start, stop in pairwise(edges)]
    found = [event for piece in pieces for event in reader.feed(piece)]
    assert found == [("7", {"number": 7}), ("8", {"café": 2})]


def job(state: str, attempt: int = 1, note: str = "", took: float | None = None) -> Line:
    return Line("build", attempt, -1, "build", state, took=took, note=note)


def step(number: int, state: str, note: str = "") -> Line:
    return Line("build", 1, number, f"s{number}", state, took=1.0, note=note)


def told(before: list[Line], after: list[Line]) -> list[str]:
    return [snapshots.text(line) for line in snapshots.news(before, after)]


def test_what_was_told_is_not_told_again() -> None:
    lines = [job("running"), step(1, "succeeded"), step(2, "running")]
    assert told(lines, lines) == []
    assert told([], lines) == ["build: running", "build / s1: succeeded in 1.00s"]


def test_the_end_of_a_job_is_told_after_its_steps() -> None:
    before = [job("running"), step(1, "running")]
    after = [job("failed", note="exit code 2", took=3.0), step(1, "failed", "exit code 2")]
    assert told(before, after) == [
        "build / s1: failed in 1.00s: exit code 2",
        "build: failed in 3.00s: exit code 2",
    ]


def test_another_attempt_says_which_one_it_is() -> None:
    assert told([job("failed")], [job("queued", 2)]) == ["build: queued (attempt 2)"]
