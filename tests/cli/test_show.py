"""What a run looks like: to a person, to a CI system, to a program."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from steersman.cli.show import chosen_format, wants_colors
from steersman.cli.show.json_lines import JsonLines
from steersman.cli.show.live import Live
from steersman.cli.show.plain import Look, Plain, style_of
from steersman.core import events
from steersman.core.events import Event, Level
from steersman.core.steps import Outcome, Phase, Result, State

FLAGS = {
    "log_json": False,
    "log_format": "auto",
    "quiet": False,
    "debug": False,
    "no_colors": False,
}


def a_run(state: State = State.SUCCEEDED, message: str = "") -> list[Event]:
    result = Result(name="unit tests", phase=Phase.MAIN, state=state, seconds=1.5, message=message)
    return [
        events.RunStarted(
            run_id="r1", pipeline="build", where="docker", steps=("unit tests",), after_steps=()
        ),
        events.StepStarted(number=1, name="unit tests", phase=Phase.MAIN),
        events.Notice(Level.DEBUG, "a detail"),
        events.Output(b"half a li"),
        events.Output("ne\nünfinished".encode()),
        events.StepEnded(number=1, result=result),
        events.RunEnded(
            outcome=Outcome(
                state=state, failed_step="unit tests" if message else None, message=message
            ),
            seconds=2.0,
        ),
    ]


def plain(told: list[Event], style: str = "plain", *, quiet: bool = False) -> tuple[str, str]:
    output, words = io.BytesIO(), io.BytesIO()
    audience = Plain(
        output=output,
        words=words,
        style=style_of(style),
        look=Look(quiet=quiet),
        clock=lambda: 1000.0,
    )
    for event in told:
        audience(event)
    return output.getvalue().decode(), words.getvalue().decode()


def test_output_is_printed_untouched_and_words_go_elsewhere() -> None:
    output, words = plain(a_run())
    assert output == "half a line\nünfinished"
    assert words.splitlines() == [
        "--> build on docker, run r1",
        "--> unit tests",
        "    unit tests succeeded in 1.50s",
        "--> succeeded in 2.00s",
    ]


def test_a_failure_names_the_step_and_the_reason() -> None:
    _, words = plain(a_run(State.FAILED, "exit code 1"))
    assert "    step unit tests failed after 1.50s: exit code 1" in words
    assert "--> failed at step unit tests after 2.00s" in words


def test_quiet_says_only_what_went_wrong() -> None:
    assert plain(a_run(), quiet=True)[1] == ""
    assert "exit code 1" in plain(a_run(State.FAILED, "exit code 1"), quiet=True)[1]


def test_github_folds_each_step_and_marks_errors() -> None:
    _, words = plain(a_run(State.FAILED, "exit code 1"), "github")
    assert "::group::unit tests\n" in words
    assert "::endgroup::\n" in words
    assert "::error::    step unit tests failed" in words


def test_gitlab_folds_each_step_with_times() -> None:
    _, words = plain(a_run(), "gitlab")
    assert "\x1b[0Ksection_start:1000:step_1_unit_tests\r\x1b[0Kunit tests\n" in words
    assert "\x1b[0Ksection_end:1000:step_1_unit_tests\r\x1b[0K\n" in words


def test_json_lines_are_one_object_per_event() -> None:
    output = io.BytesIO()
    audience = JsonLines(output, clock=lambda: 0.0)
    for event in a_run():
        audience(event)
    told = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [one["event"] for one in told] == [
        "run_started", "step_started", "notice", "output", "output", "step_ended", "run_ended",
    ]  # fmt: skip
    assert told[5]["state"] == "succeeded"
    assert {one["time"] for one in told} == {"1970-01-01T00:00:00.000+00:00"}


def test_a_character_cut_in_two_is_whole_again_in_json() -> None:
    output = io.BytesIO()
    audience = JsonLines(output)
    for byte in "ü".encode():
        audience(events.Output(bytes([byte])))
    assert "".join(json.loads(line)["text"] for line in output.getvalue().splitlines()) == "ü"


def test_the_live_tree_ends_with_every_step_and_all_output() -> None:
    screen = io.StringIO()
    audience = Live(console=Console(file=screen, force_terminal=True, width=100, no_color=True))
    for event in a_run(State.FAILED, "exit code 1"):
        audience(event)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert "half a line\n" in text
    assert "ünfinished\n" in text
    assert "✗ unit tests  1.50s" in text
    assert "failed in 2.00s, at step unit tests: exit code 1" in text


@pytest.mark.parametrize(
    ("flags", "environ", "terminal", "name"),
    [
        ({}, {"TERM": "xterm"}, True, "live"),
        ({}, {"TERM": "dumb"}, True, "plain"),
        ({}, {}, True, "plain"),
        ({"quiet": True}, {"TERM": "xterm"}, True, "plain"),
        ({}, {"TERM": "xterm"}, False, "plain"),
        ({}, {"GITHUB_ACTIONS": "true"}, False, "github"),
        ({}, {"GITLAB_CI": "true"}, False, "gitlab"),
        ({"log_json": True}, {"TERM": "xterm"}, True, "json"),
        ({"log_format": "plain"}, {"TERM": "xterm"}, True, "plain"),
    ],
)
def test_the_format_follows_flags_then_the_terminal_then_the_ci_system(
    flags: dict[str, object], environ: dict[str, str], terminal: bool, name: str
) -> None:
    assert chosen_format({**FLAGS, **flags}, environ, terminal=terminal) == name


def test_no_color_is_honoured() -> None:
    assert wants_colors(FLAGS, {}, terminal=True)
    assert not wants_colors(FLAGS, {"NO_COLOR": "1"}, terminal=True)
    assert not wants_colors({**FLAGS, "no_colors": True}, {}, terminal=True)
    assert not wants_colors(FLAGS, {}, terminal=False)
