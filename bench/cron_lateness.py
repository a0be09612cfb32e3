"""How late cron launches: a schedule each second, and 10,000 that are due at once each minute.

The program is whole, on a ledger in SQLite and the clock of this machine. Each second it starts
`date`, as supercronic does beside it where that is installed (STEERSMAN_BENCH_SUPERCRONIC may name
it). The many launch nothing, so that only our own lateness is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, NamedTuple

from tests import postgresql

from steersman.core.schedules import expressions
from steersman.core.schedules.fires import Fire
from steersman.core.schedules.schedule import Schedule
from steersman.cron import telling, times
from steersman.cron.entries import Entries, Entry
from steersman.cron.launchers.base import Work
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.sql import SqlLedger
from steersman.cron.program import Cron, collect_seldom
from steersman.cron.settings import Settings
from steersman.cron.watching import Watchman
from steersman.store import engines

Row = tuple[str, str, str]
MANY = 10_000
DATE = ("date", "+%s.%N")


def entries(count: int, text: str) -> Entries:
    """Return so many schedules of one text."""
    found = {}
    for number in range(count):
        name = f"job-{number}"
        table = expressions.table(expressions.parse(text, seed=name))
        found[name] = Entry(Schedule(name, (table,), (text,)), Work(name, "job", {}))
    return found


class Processes(FakeLauncher):
    """Starts `date` for each run, as the yardstick does; what it says goes to *file*."""

    def __init__(self, cluster: FakeCluster, file: IO[bytes]) -> None:
        super().__init__(cluster, ends_at_once=True)
        self._file = file

    async def launch(self, work: Work, fire: Fire) -> str:
        subprocess.Popen(DATE, stdout=self._file)  # noqa: ASYNC220 - nobody waits for it
        return await super().launch(work, fire)


class Ran(NamedTuple):
    """How late each launch was handed over, the CPU until it was quiet, and the share after."""

    late: list[float]
    start: float
    rest: float


async def _ran(url: str, found: Entries, seconds: float, output: IO[bytes] | None) -> Ran:
    """Run for *seconds*; the start is what the first ten of them take."""
    clocks = times.system()
    executor = None if engines.is_sqlite(url) else ThreadPoolExecutor(4)
    ledger = SqlLedger(engines.open_engine(url), clocks.now, executor)
    ledger.prepare()
    cluster = FakeCluster(clocks.now)
    launcher = Processes(cluster, output) if output else FakeLauncher(cluster, ends_at_once=True)
    watchman = Watchman(telling.nobody)
    cron = Cron(ledger, launcher, Settings("bench", rate=0), clocks, watchman)
    cron.configure(found)
    before = time.process_time()
    task = asyncio.ensure_future(cron.run())
    settling = min(10.0, seconds / 2)
    await asyncio.sleep(settling)
    settled = time.process_time()
    await asyncio.sleep(seconds - settling)
    rest = (time.process_time() - settled) / (seconds - settling)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await ledger.close()
    late = [at - cluster.runs[name].key.instant for name, at in cluster.started_at.items()]
    return Ran(sorted(late), settled - before, rest)


def run(found: Entries, seconds: float, output: IO[bytes] | None = None, url: str = "") -> Ran:
    """Measure on the database at *url*, or on one of SQLite in a folder of its own."""
    collect_seldom()
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder:
        url = url or f"sqlite:///{folder}/ledger.db"
        return asyncio.run(_ran(url, found, seconds, output))


def _ours(seconds: float) -> list[float]:
    """Return how late `date` says it is when we start it each second."""
    with tempfile.TemporaryFile() as file:
        run(entries(1, "* * * * * *"), seconds, file)
        file.seek(0)
        return [float(line) % 1 for line in file.read().split()]


def _theirs(seconds: float) -> list[float]:
    """Return the same of supercronic; nothing where it is not installed."""
    program = os.environ.get("STEERSMAN_BENCH_SUPERCRONIC") or shutil.which("supercronic")
    if program is None:
        print("supercronic is not installed: skipped", file=sys.stderr)
        return []
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile("w") as table:
        table.write("* * * * * * * " + " ".join(DATE).replace("%", "\\%") + "\n")
        table.flush()
        words = [program, "-passthrough-logs", table.name]
        child = subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        child.terminate()
        child.wait()
        file.seek(0)
        return [float(line) % 1 for line in file.read().split()]


def each_second(turns: int) -> list[Row]:
    """Start `date` each second, by us and by supercronic in turn."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(turns):
        ours += _ours(15.0)
        theirs += _theirs(15.0)
    mine = statistics.median(ours) * 1000
    if not theirs:
        return [("`date` each second: median lateness", f"{mine:.1f} ms", "8.8 ms")]
    yardstick = statistics.median(theirs) * 1000
    return [
        ("`date` each second: median lateness of supercronic", f"{yardstick:.1f} ms", ""),
        ("`date` each second: our median lateness", f"{mine:.1f} ms", f"{yardstick + 5:.1f} ms"),
        ("the same, us : supercronic", f"{mine / yardstick:.2f}", ""),
    ]


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def at_once(database: str = "SQLite", url: str = "") -> list[Row]:
    """Launch 10,000 at the next full minute."""
    found = entries(MANY, "* * * * *")
    left = 60 - time.time() % 60
    late = run(found, (left if left > 15 else left + 60) + 10, url=url).late
    what = f"{MANY:,} due at once, {database}"
    return [
        (f"{what}: launches", f"{len(late):,}", ""),
        (f"{what}: p99 lateness", f"{_share(late, 0.99):.2f} s", "1 s"),
        (f"{what}: the last", f"{late[-1]:.2f} s", "3 s"),
    ]


def at_once_on_postgresql() -> list[Row]:
    """Do the same with a server of our own, where it is installed."""
    if postgresql.programs() is None:
        print("PostgreSQL is not installed: skipped", file=sys.stderr)
        return []
    with postgresql.started() as server:
        return at_once("PostgreSQL", server.new_database())


def at_rest() -> list[Row]:
    """Let 10,000 daily schedules wait."""
    ran = run(entries(MANY, "H H * * *"), 60.0)
    return [
        (f"{MANY:,} daily schedules: CPU of the start", f"{ran.start:.2f} s", "5 s"),
        (f"{MANY:,} daily schedules at rest: CPU", f"{ran.rest:.2%} of a core", "1 %"),
    ]


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure all of it."""
    turns = 1 if quick else 3
    return [*each_second(turns), *at_once(), *at_once_on_postgresql(), *at_rest()]


if __name__ == "__main__":
    print(time.strftime("%H:%M:%S"), file=sys.stderr)
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
