"""Server, worker and runners are killed at random moments; nothing is lost, doubled or false.

The short form is part of every run of the tests; CHAOS_JOBS, CHAOS_KILLS and CHAOS_PAUSE (the
longest between two kills, in seconds) make it long.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests import postgresql
from tests.platform.programs import Machine, machine, repository, runner_pids, until

JOBS = int(os.environ.get("CHAOS_JOBS", "24"))
KILLS = int(os.environ.get("CHAOS_KILLS", "10"))
PAUSE = float(os.environ.get("CHAOS_PAUSE", "0.8"))
LEFT = JOBS // 4
"""What is still open when the killing ends has to end within a minute of the last restart."""
LINES = 30
PIPELINE = f"""\
box: busybox
build:
  steps:
    - script:
        name: count
        code: |
          i=0
          while [ $i -lt {LINES} ]; do
            i=$((i + 1)); echo "line $i of {LINES}"; sleep 0.02
          done
    - script:
        name: verdict
        code: test "$WANTED" = green
"""
EXPECTED = "".join(f"line {number} of {LINES}\n" for number in range(1, LINES + 1))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.new_database()


def _kill_one(here: Machine, chance: random.Random) -> str:
    """Kill the server, the worker or some runner, and start again what does not start itself."""
    what = chance.choice(["server", "worker", "runner", "runner"])
    if what == "server":
        here.server.kill()
        time.sleep(chance.random())
        here.start()
    elif what == "worker" and here.worker is not None:
        here.worker.kill()
        time.sleep(chance.random())
        here.worker.start()
    else:
        found = runner_pids(here.folder, alone=True)
        if not found:
            return "nothing"
        with suppress(ProcessLookupError):
            os.kill(chance.choice(found), signal.SIGKILL)
    return what


def _unended(here: Machine) -> list[str]:
    runs = here.runs("shop")
    missing = JOBS - len(runs)
    return [run["id"] for run in runs if run["ended"] is None] + ["missing"] * missing


@pytest.mark.timeout(1800)
def test_whatever_is_killed_every_job_ends_once_and_truly(tmp_path: Path, database: str) -> None:
    chance = random.Random(20)
    source = repository(tmp_path / "shop", {"wercker.yml": PIPELINE})
    with machine(tmp_path, database=database, slots=3) as here:
        here.start()
        here.add_project("shop", source)
        here.start_worker()
        for number in range(JOBS):
            color = "green" if number % 3 else "red"
            given = {"branch": "main", "variables": {"WANTED": color}}
            here.trigger("shop", f"key-{number}", **given)
        killed: list[str] = []
        while len(killed) < KILLS and len(_unended(here)) > LEFT:
            time.sleep(chance.random() * PAUSE)
            what = _kill_one(here, chance)
            killed += [what] if what != "nothing" else []
        assert {"server", "worker", "runner"} <= set(killed), "the fault bites"
        until(lambda: not _unended(here), "every run ends", 60)
        _check(here)


def _check(here: Machine) -> None:
    runs = here.runs("shop")
    assert len(runs) == JOBS, "none lost, none doubled"
    attempts = 0
    for listed in runs:
        run = here.run(listed["id"])
        [job] = run["jobs"]
        ends = [each["state"] for each in job["attempts"]]
        attempts += len(ends)
        completed = [state for state in ends if state in ("succeeded", "failed")]
        assert len(completed) <= 1, f"completed more than once: {ends}"
        last = job["attempts"][-1]
        if completed:
            green = run["variables"]["WANTED"] == "green"
            assert last["state"] == ("succeeded" if green else "failed")
            assert _lines(here, last["id"]) == EXPECTED, "each byte of the log is there, once"
        else:
            assert ends == ["errored"] * 3, f"no lost job but by a third loss: {ends}"
    assert attempts > JOBS, "some attempt was lost and repeated"
    assert not runner_pids(here.folder), "nothing of a runner is left"


def _lines(here: Machine, attempt: str) -> str:
    """Return what the job printed, without what we say of it."""
    log = here.log(attempt).decode()
    return "".join(line for line in log.splitlines(keepends=True) if line.startswith("line "))
