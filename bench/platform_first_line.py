"""From a trigger to the first line of its log, against a bare `docker run` of the same moment.

The platform's clock runs from sending the trigger until a reader of the API has the line that the
step printed. The yardstick is stopped twice: at its first line, and at its end.
"""

from __future__ import annotations

import subprocess
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from bench import _platform as platform
from bench._platform import Api, Row

RUNS = 15
QUICK_RUNS = 4
LINE = b"line 42"
FILE = """\
box: busybox
build:
  steps:
    - script:
        name: print
        code: echo "line $((40 + 2))"
"""


class Turn(NamedTuple):
    """Seconds: ours, the yardstick's first line and its end; then our stages one after another."""

    ours: float
    line: float
    whole: float
    planned: float
    begun: float
    step: float
    readable: float


def bare() -> tuple[float, float]:
    """Return the seconds until `docker run` printed its line, and until it ended."""
    began = time.perf_counter()
    words = ["docker", "run", "--rm", "busybox", "echo", LINE.decode()]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == LINE
        line = time.perf_counter() - began
        process.wait()
    return line, time.perf_counter() - began


def attempt_of(api: Api, trigger: str) -> tuple[str, str]:
    """Wait until a trigger has become a run with an attempt, and return both ids."""
    while True:
        for run in api.call("GET", f"/api/v1/triggers/{trigger}")["runs"]:
            tries = api.call("GET", f"/api/v1/runs/{run['id']}")["jobs"][0]["attempts"]
            if tries:
                return run["id"], tries[0]["id"]
        time.sleep(0.005)


def first_line(api: Api, attempt: str) -> float:
    """Read a log as it grows until the step's line is there; return when that was."""
    reader = Api(api.port, api.token)
    answer = reader.response("GET", f"/api/v1/attempts/{attempt}/log?follow=true")
    text, found = b"", 0.0
    while piece := answer.read1(65536):
        text += piece
        if not found and LINE in text:
            found = time.time()
    reader.close()
    assert found, text
    return found


def ours(api: Api) -> tuple[float, list[float]]:
    """Return the seconds until the line, and how they divide into stages."""
    began = time.time()
    run, attempt = attempt_of(api, platform.trigger(api, "hello"))
    line = first_line(api, attempt)
    platform.until(lambda: _state(api, run) == "succeeded", "the run has ended")
    seen = api.call("GET", f"/api/v1/attempts/{attempt}")
    step = next(each for each in seen["steps"] if each["name"] == "print")
    marks = [began, *map(_seconds, (seen["queued"], seen["started"], step["began"])), line]
    return line - began, [after - before for before, after in pairwise(marks)]


def _state(api: Api, run: str) -> Any:
    return api.call("GET", f"/api/v1/runs/{run}")["state"]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def turns(folder: Path, runs: int) -> list[Turn]:
    """Run both in turn."""
    with platform.started(folder / "up", "up") as up:
        api = up.api()
        platform.add_project(api, "hello", platform.repository(folder / "hello", FILE))
        found = []
        for turn in range(runs + 1):
            line, whole = bare()
            total, stages = ours(api)
            if turn:
                found.append(Turn(total, line, whole, *stages))
    return found


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    with platform.scratch() as folder:
        seen = turns(folder, QUICK_RUNS if quick else RUNS)

    def of(name: str) -> float:
        return platform.median([getattr(turn, name) for turn in seen])

    beyond = platform.median([turn.ours - turn.whole for turn in seen])
    strict = platform.median([turn.ours - turn.line for turn in seen])
    ratio = platform.median([turn.ours / turn.whole for turn in seen])
    return [
        ("trigger to first line, beyond a bare docker run", f"{beyond:+.3f} s", "0.5 s (goal 0.3)"),
        ("the same, beyond the first line of docker run", f"{strict:+.3f} s", ""),
        ("trigger to first line : bare docker run", f"{ratio:.2f}", ""),
        ("trigger to first line, median", f"{of('ours'):.3f} s", ""),
        ("bare docker run, its line and its end", f"{of('line'):.3f}, {of('whole'):.3f} s", ""),
        ("stage: until the attempt is queued", f"{of('planned') * 1000:.0f} ms", ""),
        ("stage: until its runner has begun", f"{of('begun') * 1000:.0f} ms", ""),
        ("stage: until its step begins (box made)", f"{of('step') * 1000:.0f} ms", ""),
        ("stage: until its line is read", f"{of('readable') * 1000:.0f} ms", ""),
    ]


if __name__ == "__main__":
    platform.show(main)
