"""How several pipelines at once are shown."""

from __future__ import annotations

import io
import json
import re

from rich.console import Console

from steersman.cli.show.forest import Forest
from steersman.cli.show.plain import Look
from steersman.cli.show.several import JsonScreen, PlainScreen, Told
from steersman.core import events, runs
from steersman.core.steps import Outcome, Phase, Result, State

TOLD = [
    Told("a", runs.State.SUCCEEDED, 1.0, "out/a"),
    Told("long", runs.State.SKIPPED, 0.0),
]
OK = Result("step", Phase.MAIN, State.SUCCEEDED, 1.0)


def play(screen: PlainScreen | JsonScreen | Forest) -> None:
    """Two pipelines that print at the same time; one leaves a line without an end."""
    one, two = screen.of("a"), screen.of("long")
    for name in ("a", "long"):
        screen.stands(name, runs.State.RUNNING, "")
    for audience in (one, two):
        audience(events.RunStarted("r", "p", "docker", ("step",), ()))
        audience(events.StepStarted(1, "step", Phase.MAIN))
    one(events.Output(b"half "))
    two(events.Output(b"other\nlast"))
    one(events.Output(b"a line\n"))
    for audience in (one, two):
        audience(events.StepEnded(1, OK))
        audience(events.RunEnded(Outcome(State.SUCCEEDED), 1.0))
    screen.stands("long", runs.State.SKIPPED, "it needs a")
    screen.over(runs.State.FAILED, 2.0, TOLD)
    screen.close()


def test_each_line_stands_whole_behind_the_name_of_its_pipeline() -> None:
    output, words = io.BytesIO(), io.BytesIO()
    play(PlainScreen(output, words, ["a", "long"], Look()))
    assert output.getvalue().decode().splitlines() == [
        "long | other",
        "a    | half a line",
        "long | last",
    ]
    said = words.getvalue().decode().splitlines()
    assert "a    | --> step" in said
    assert said[-4:] == [
        "--> long is skipped: it needs a",
        "    a     succeeded in 1.00s  out/a",
        "    long  skipped",
        "--> failed in 2.00s",
    ]


def test_quiet_says_nothing_of_a_workflow_that_succeeded() -> None:
    words = io.BytesIO()
    screen = PlainScreen(io.BytesIO(), words, ["a"], Look(quiet=True))
    screen.of("a")(events.StepStarted(1, "step", Phase.MAIN))
    screen.over(runs.State.SUCCEEDED, 1.0, TOLD)
    assert words.getvalue() == b""


def test_each_object_names_its_pipeline() -> None:
    output = io.BytesIO()
    play(JsonScreen(output, "main"))
    told = [json.loads(line) for line in output.getvalue().splitlines()]
    assert {one["workflow"] for one in told} == {"main"}
    assert [one["job"] for one in told if one["event"] == "output"] == ["a", "long", "a"]
    assert told[-1]["event"] == "workflow_ended"
    assert [job["state"] for job in told[-1]["jobs"]] == ["succeeded", "skipped"]


def test_the_live_tree_shows_every_pipeline_and_sums_up_at_the_end() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=30, no_color=True)
    forest = Forest(["a", "long"], console=console)
    play(forest)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).replace("\r", "")
    assert "a    | half a line\n" in text
    assert "long | last\n" in text
    assert text.splitlines()[-3:] == [
        "    a     succeeded in 1.00s  out/a",
        "    long  skipped",
        "failed in 2.00s",
    ]


def test_a_terminal_that_is_too_low_shows_what_runs_first() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=8)
    forest = Forest([f"p{number}" for number in range(20)], console=console)
    for number in range(20):
        state = runs.State.RUNNING if number >= 18 else runs.State.WAITING
        forest._trees[f"p{number}"].state = state
    names = [name for _, name, _ in forest._lines()]
    assert names == ["p18", "p19", "p0", "p1"]
