"""Real processes on a real database, killed by the kernel: each instant is started once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from steersman.core.schedules import explaining
from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.cron.ledger.base import Wanted
from steersman.cron.ledger.sql import SqlLedger
from steersman.store import engines
from tests.cron import making

SECONDS = 5.0
SCHEDULES = 20


def _start(url: str, folder: Path, name: str, **more: object) -> subprocess.Popen[bytes]:
    said = json.dumps({"schedules": SCHEDULES, "url": url, "folder": str(folder), "name": name,
                       **more})  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "tests.cron.instance", said])


def test_three_processes_that_are_killed_and_stopped_start_each_instant_once(
    postgres: object, tmp_path: Path
) -> None:
    url = postgres.new_database()  # type: ignore[attr-defined]
    chance = random.Random(5)
    alive = {f"i{number}": _start(url, tmp_path, f"i{number}") for number in range(3)}
    stopped: list[subprocess.Popen[bytes]] = []
    try:
        _until_started(tmp_path, SCHEDULES)
        began = time.monotonic()
        number = 3
        while time.monotonic() - began < SECONDS:
            time.sleep(chance.uniform(1.5, 2.5))
            name = chance.choice(sorted(alive))
            victim = alive.pop(name)
            if chance.random() < 0.3 and not stopped:
                victim.send_signal(signal.SIGSTOP)
                stopped.append(victim)
            else:
                victim.kill()
                victim.wait()
            alive[f"i{number}"] = _start(url, tmp_path, f"i{number}")
            number += 1
        # Who was stopped wakes up, long after another took over.
        for each in stopped:
            each.send_signal(signal.SIGCONT)
        _until_started(tmp_path, SCHEDULES * 2 + len(list(tmp_path.iterdir())))
        _until_started(tmp_path, SCHEDULES * 6)
    finally:
        for each in (*alive.values(), *stopped):
            each.kill()
            each.wait()
    rows = _compare(url, tmp_path)
    assert len([row for row in rows if row.state is State.FIRED]) >= SCHEDULES * 5


def test_commands_outlive_who_launched_them_and_run_once_each(tmp_path: Path) -> None:
    url, runs, out = f"sqlite:///{tmp_path / 'l.db'}", tmp_path / "runs", tmp_path / "out"
    said = f"echo $STEERSMAN_SCHEDULE $STEERSMAN_INSTANT >> {out}; sleep 0.3"
    out.touch()
    for number, many in enumerate((6, 6, 21)):
        child = _start(url, runs, f"i{number}", schedules=5, command=said)
        try:
            # Killed while it launches: some of an instant's commands have begun, others have not.
            _until_lines(out, len(_lines(out)) + many)
        finally:
            child.kill()
            child.wait()
    rows = _compare(url, runs, 5)
    lines = _lines(out)
    assert len(set(lines)) == len(lines)
    ended = [row for row in rows if row.outcome not in (None, Outcome.RUNNING)]
    assert {row.outcome for row in ended} == {Outcome.SUCCEEDED}
    assert {f"{row.schedule} {explaining.stamp(row.instant)}" for row in ended} <= set(lines)
    # All of the first two instances, whoever saw their ends.
    assert len(ended) >= 12


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def _until_lines(file: Path, count: int) -> None:
    """Wait, as long as a machine with other work may take, for so many lines."""
    deadline = time.monotonic() + 90
    while len(_lines(file)) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def _until_started(folder: Path, count: int) -> None:
    """Wait until so many runs were started, as long as a machine with other work may take."""
    deadline = time.monotonic() + 90
    while len(list(folder.iterdir())) < count and time.monotonic() < deadline:
        time.sleep(0.1)


def _compare(url: str, folder: Path, schedules: int = SCHEDULES) -> list[Fire]:
    """Compare the ledger with what should be and what was started; return its rows."""
    import asyncio

    ledger = SqlLedger(engines.open_engine(url), time.time)
    rows = asyncio.run(ledger.rows(Wanted(limit=1_000_000)))
    cursors = {each.schedule: each for each in asyncio.run(ledger.cursors())}
    asyncio.run(ledger.close())
    # One that begins with a point was killed before it was a run.
    started = {path.name for path in folder.iterdir() if path.name[0] != "."}
    for number in range(schedules):
        each = making.schedule(f"job-{number}", "* * * * * *")
        cursor = cursors[each.name]
        expected = list(range(int(cursor.created) + 1, cursor.decided + 1))
        assert making.stood_for(rows, each) == expected
    fired = {row.run for row in rows if row.state is State.FIRED}
    left = [row for row in rows if row.state is not State.FIRED]
    assert not [row for row in left if row.state in (State.MISSED, State.SKIPPED)]
    # What was killed between a start and its row leaves a row that is claimed.
    assert fired <= started <= {row.run for row in rows}
    assert len({row.run for row in rows if row.run}) == len([row for row in rows if row.run])
    return rows
