"""A log and the states of steps, told as an attempt of this machine tells itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.cli.on_kubernetes.story import Story
from steersman.core.events import Event, Level, Notice, Output, RunEnded, StepEnded, StepStarted
from steersman.core.steps import State

LOG = b"[steersman] fetching\none\ntwo[steersman] no notice\n[steersman] warning: careful\nthree"
SETUP, FIRST = 21, 25


def step(number: int, start: int, stop: int | None, state: str = "succeeded") -> dict[str, Any]:
    said: dict[str, Any] = {
        "number": number, "name": f"step {number}", "phase": "main", "began": 1.0,
        "log_start": start, "state": state if stop is not None else "running",
    }  # fmt: skip
    return said if stop is None else {**said, "log_stop": stop, "seconds": 1.5, "exit_code": 0}


STEPS = [step(1, 0, SETUP), step(2, SETUP, FIRST), step(3, FIRST, len(LOG))]


def told(*heard: tuple[list[Any], bytes]) -> list[Event]:
    events: list[Event] = []
    story = Story(events.append)
    for steps, log in heard:
        story.hear(steps, log)
    return joined(events)


def joined(events: list[Event]) -> list[Event]:
    """Join output that follows on output."""
    found: list[Event] = []
    for event in events:
        if isinstance(event, Output) and found and isinstance(found[-1], Output):
            found[-1] = Output(found[-1].data + event.data)
        else:
            found.append(event)
    return found


def shape(events: list[Event]) -> list[object]:
    said: list[object] = []
    for event in events:
        match event:
            case StepStarted(number):
                said.append(f"+{number}")
            case StepEnded(number):
                said.append(f"-{number}")
            case Output(data):
                said.append(data)
            case Notice(level, text):
                said.append((level, text))
    return said


def test_each_step_is_told_where_its_output_is() -> None:
    assert shape(told((STEPS, LOG))) == [
        "+1",
        (Level.INFO, "fetching"),
        "-1",
        "+2",
        b"one\n",
        "-2",
        "+3",
        b"two[steersman] no notice\n",
        (Level.WARNING, "careful"),
        b"three",
        "-3",
    ]


@given(st.lists(st.integers(1, len(LOG) - 1), unique=True))
def test_it_is_the_same_story_however_the_log_comes_in_pieces(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LOG)]
    pieces = [LOG[a:b] for a, b in pairwise(edges)]
    assert told(*((STEPS, piece) for piece in pieces)) == told((STEPS, LOG))


def test_a_step_is_told_once_though_its_state_comes_again() -> None:
    running = [step(1, 0, None)]
    events = told((running, b"a"), (running, b"b"), ([step(1, 0, 2)], b""), ([step(1, 0, 2)], b""))
    assert shape(events) == ["+1", b"ab", "-1"]


@pytest.mark.parametrize(
    ("state", "steps", "expected"),
    [
        ("succeeded", STEPS, State.SUCCEEDED),
        ("failed", [step(1, 0, 3, "failed")], State.FAILED),
        ("stopped", [step(1, 0, 3, "cancelled")], State.CANCELLED),
        ("errored", [step(1, 0, 3)], State.ERRORED),
        ("failed", [], State.FAILED),
    ],
)
def test_it_ends_as_the_record_says(state: str, steps: list[Any], expected: State) -> None:
    events: list[Event] = []
    story = Story(events.append)
    story.hear(steps, LOG)
    record: Any = {"runner": "r", "state": state, "log_size": len(LOG), "message": "why"}
    outcome = story.end(record, 2.0)
    assert outcome.state is expected
    assert events[-1] == RunEnded(outcome, 2.0, ())


def test_a_step_that_failed_is_named_in_the_end() -> None:
    story = Story(lambda event: None)
    steps: list[Any] = [step(1, 0, 3, "failed")]
    story.hear(steps, b"abc")
    record: Any = {"runner": "r", "state": "failed", "log_size": 3, "message": "why"}
    assert story.end(record, 1.0).failed_step == "step 1"
