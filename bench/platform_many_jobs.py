"""Many jobs that do nothing, on the host and two at once, against Buildbot; and what rest costs.

Each of our jobs fetches its source and keeps its log; Buildbot's only run `true`. Both are
triggered through their API, one request after another, and the clock stops at the last job's end.
"""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from typing import NamedTuple

from bench import _platform as platform
from bench import buildbot
from bench._platform import Api, Row, Started

JOBS = 200
QUICK_JOBS = 10
ROUNDS = 3
REST = 30.0
QUICK_REST = 2.0
SETTLE = 3.0
LOOK = 0.2
"""Seconds between two looks whether all is done: looking costs the server too."""
FILE = """\
box: busybox
build:
  steps:
    - script:
        name: nothing
        code: "true"
"""


class Costs(NamedTuple):
    """Seconds for all jobs of a round, and the CPU of the two kinds of processes."""

    wall: float
    server: float
    runners: float


class Rest(NamedTuple):
    """What all processes take while nothing is to be done: cores, and MiB in two ways."""

    cores: float
    resident: float
    proportional: float


def ours(up: Started, count: int) -> Costs:
    """Run so many jobs."""
    api = up.api()
    own, whole = platform.own_cpu(up.pid), up.group.seconds()
    began = time.perf_counter()
    for _ in range(count):
        last = platform.trigger(api, "nothing")
    platform.until(lambda: _ended(api, last), "the last run has ended", pause=LOOK)
    platform.until(lambda: not _open(api), "every run has ended", pause=LOOK)
    wall = time.perf_counter() - began
    server = platform.own_cpu(up.pid) - own
    return Costs(wall, server, up.group.seconds() - whole - server)


def _ended(api: Api, trigger: str) -> bool:
    found = api.call("GET", f"/api/v1/triggers/{trigger}")["runs"]
    return bool(found and found[0]["ended"])


def _open(api: Api) -> bool:
    states = {run["state"] for run in api.call("GET", "/api/v1/runs?limit=10")["items"]}
    assert states <= {"succeeded", "running", "queued"}, states
    return states != {"succeeded"}


def at_rest(up: Started, seconds: float) -> Rest:
    """Watch for so many seconds, with nothing to be done."""
    time.sleep(SETTLE)
    before = up.group.seconds()
    time.sleep(seconds)
    cores = (up.group.seconds() - before) / seconds
    pids = up.group.pids()
    resident = sum(platform.memory(pid) for pid in pids)
    return Rest(cores, resident, sum(platform.proportional(pid) for pid in pids))


def measured(folder: Path, count: int, rounds: int, rest: float) -> tuple[list[Row], Rest]:
    """Run both in turn, after one small uncounted turn each."""
    user = pwd.getpwuid(os.getuid()).pw_name
    words = ("up", "--on", "host", "--host-user", user, "--slots", "2")
    with platform.started(folder / "up", *words) as up, buildbot.started(folder / "bb") as other:
        repository = platform.repository(folder / "nothing", FILE)
        platform.add_project(up.api(), "nothing", repository)
        found: list[tuple[Costs, Costs]] = []
        for turn in range(rounds + 1):
            many = count if turn else 4
            mine = ours(up, many)
            before = other.master.seconds(), other.worker.seconds()
            wall = other.builds(many)
            master, worker = other.master.seconds(), other.worker.seconds()
            if turn:
                found.append((mine, Costs(wall, master - before[0], worker - before[1])))
    # Buildbot is gone now, and would only disturb.
    with platform.started(folder / "rest", *words) as up:
        platform.add_project(up.api(), "nothing", repository)
        ours(up, 4)
        resting = at_rest(up, rest)
    return _rows(found, count), resting


def _rows(found: list[tuple[Costs, Costs]], count: int) -> list[Row]:
    ratio = platform.median([theirs.wall / mine.wall for mine, theirs in found])
    rows = [(f"{count} jobs on the host, builds/s : Buildbot's", f"{ratio:.2f}", "4")]
    names = ("us", "server and worker", "nursery and runners")
    theirs = ("Buildbot", "master", "worker")
    for costs, (who, one, two) in (
        ([pair[0] for pair in found], names),
        ([pair[1] for pair in found], theirs),
    ):
        speed = platform.median([count / each.wall for each in costs])
        rows.append((f"{who}: builds/s", f"{speed:.1f}", ""))
        for name, field in ((one, "server"), (two, "runners")):
            cpu = platform.median([getattr(each, field) / count for each in costs])
            goal = "120 ms" if name.endswith("runners") else ""
            rows.append((f"{who}: CPU of a job, {name}", f"{cpu * 1000:.0f} ms", goal))
    return rows


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    count, rounds, rest = (QUICK_JOBS, 1, QUICK_REST) if quick else (JOBS, ROUNDS, REST)
    with platform.scratch() as folder:
        rows, resting = measured(folder, count, rounds, rest)
    return [
        *rows,
        (f"at rest for {rest:.0f} s, CPU", f"{resting.cores:.2%} of a core", "1 %"),
        ("at rest, resident memory of all processes", f"{resting.resident:.0f} MiB", "200 MB"),
        ("the same, shared pages in part", f"{resting.proportional:.0f} MiB", ""),
    ]


if __name__ == "__main__":
    platform.show(main)
