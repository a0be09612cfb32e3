"""Reading texts in tests: either everything is well, or the problems are named."""

from __future__ import annotations

from textwrap import dedent

from steersman import pipeline_file
from steersman.core.pipelines.model import Box, Config, Pipeline, Step


def parsed(text: str | bytes) -> pipeline_file.Parsed:
    return pipeline_file.parse(dedent(text) if isinstance(text, str) else text, "wercker.yml")


def config(text: str) -> Config:
    """Read a file that must be valid."""
    result = parsed(text)
    assert result.config is not None, result.problems
    return result.config


def pipeline(text: str, name: str = "build") -> Pipeline:
    return config(text).pipelines[name]


def box(text: str) -> Box:
    """Read the box of a file with *text* as its box."""
    found = config(f"box: {text}\nbuild: {{}}\n").pipelines["build"].box
    assert found is not None
    return found


def steps(text: str) -> tuple[Step, ...]:
    """Read a list of steps in flow or block style, indented or not."""
    lines = "\n".join("    " + line for line in dedent(text).strip("\n").splitlines())
    return pipeline(f"box: busybox\nbuild:\n  steps:\n{lines}\n").steps


def step(text: str) -> Step:
    (only,) = steps(text)
    return only


def codes(text: str | bytes) -> list[str]:
    """Return the codes of all problems, in order."""
    return [problem.code for problem in parsed(text).problems]


def step_codes(text: str) -> list[str]:
    lines = "\n".join("    " + line for line in dedent(text).strip("\n").splitlines())
    return codes(f"box: busybox\nbuild:\n  steps:\n{lines}\n")
