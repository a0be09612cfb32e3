"""Outcomes are read off results, and endings are said in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import steps
from steersman.core.steps import Memory, Phase, Result, State


def result(state: State, phase: Phase = Phase.MAIN, name: str = "step") -> Result:
    return Result(name=name, phase=phase, state=state, seconds=1.0, message="why")


results = st.lists(
    st.builds(
        result,
        st.sampled_from([State.SUCCEEDED, State.FAILED, State.CANCELLED, State.ERRORED]),
        st.sampled_from(Phase),
    )
)


def test_nothing_run_is_a_success() -> None:
    assert steps.outcome([]).state is State.SUCCEEDED


@given(results)
def test_green_means_that_every_step_but_after_steps_succeeded(seen: list[Result]) -> None:
    good = all(r.state is State.SUCCEEDED for r in seen if r.phase is not Phase.AFTER)
    assert (steps.outcome(seen).state is State.SUCCEEDED) is good


@given(results)
def test_after_steps_never_change_the_outcome(seen: list[Result]) -> None:
    without = [r for r in seen if r.phase is not Phase.AFTER]
    assert steps.outcome(seen) == steps.outcome(without)


def test_the_first_step_that_did_not_succeed_gives_the_outcome() -> None:
    seen = [
        result(State.SUCCEEDED, name="a"),
        result(State.CANCELLED, name="b"),
        result(State.FAILED, name="c"),
    ]
    assert steps.outcome(seen) == steps.Outcome(
        state=State.CANCELLED, failed_step="b", message="why"
    )


def test_failed_after_steps_are_named() -> None:
    seen = [result(State.FAILED, name="main"), result(State.FAILED, Phase.AFTER, "tell")]
    assert steps.failed_after_steps(seen) == ("tell",)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "exit code 1"),
        (126, "exit code 126 (not executable)"),
        (127, "exit code 127 (command not found)"),
        (137, "exit code 137 (SIGKILL)"),
        (143, "exit code 143 (SIGTERM)"),
        (255, "exit code 255"),
    ],
)
def test_an_exit_code_is_said_in_words(code: int, words: str) -> None:
    assert steps.exit_words(code) == words


def test_memory_is_named_as_the_cause() -> None:
    assert steps.exit_words(137, oom_kills=1) == (
        "exit code 137 (SIGKILL); out of memory: the kernel killed a process of the box"
    )
    assert "2 processes" in steps.oom_words(2)


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (Memory(), ""),
        (Memory(66846720, 64 << 20), "; it may have 64 MiB and used 63.75 MiB at the most"),
        (Memory(limit=1536 << 20), "; it may have 1536 MiB"),
        (Memory(3 << 20), "; it used 3 MiB at the most"),
    ],
)
def test_memory_that_was_not_enough_is_said_with_its_limit(memory: Memory, words: str) -> None:
    assert steps.memory_words(memory) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (1.0000001, "1 second"),
        (30, "30 seconds"),
        (60, "1 minute"),
        (90, "1.5 minutes"),
    ],
)
def test_a_timeout_is_said_as_it_is_written(seconds: float, words: str) -> None:
    assert steps.minutes_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.417, "0.42s"), (12.34, "12.3s"), (59.99, "60.0s"), (185, "3m 05s"), (3725, "1h 02m")],
)
def test_a_duration_is_short(seconds: float, words: str) -> None:
    assert steps.short_seconds(seconds) == words


@given(st.text(), st.uuids())
def test_the_folder_of_a_step_is_one_safe_path_component(name: str, unique: object) -> None:
    folder = steps.folder_name(name, str(unique))
    assert folder.endswith(f"-{unique}")
    assert "/" not in folder
    assert folder.isascii()
