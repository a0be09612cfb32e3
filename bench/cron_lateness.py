"""How late cron launches: a schedule each second, and 10,000 that are due at once each minute.

The program is whole, on a ledger in SQLite and the clock of this machine; what it launches is
nothing, so that only its own lateness is seen. On a cluster the API server comes on top.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from pathlib import Path

from steersman.core.schedules import expressions
from steersman.core.schedules.schedule import Schedule
from steersman.cron import times
from steersman.cron.entries import Entries, Entry
from steersman.cron.launchers.base import Work
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.sql import SqlLedger
from steersman.cron.program import Cron
from steersman.cron.settings import Settings
from steersman.store import engines

Row = tuple[str, str, str]
MANY = 10_000


def entries(count: int, text: str) -> Entries:
    """Return so many schedules of one text."""
    found = {}
    for number in range(count):
        name = f"job-{number}"
        table = expressions.table(expressions.parse(text, seed=name))
        found[name] = Entry(Schedule(name, (table,), (text,)), Work(name, "job", {}))
    return found


async def lateness(folder: Path, found: Entries, seconds: float) -> tuple[list[float], float]:
    """Run for so long; return how late each launch was handed over, and the CPU."""
    clocks = times.system()
    ledger = SqlLedger(engines.open_engine(f"sqlite:///{folder / 'ledger.db'}"), clocks.now)
    ledger.prepare()
    cluster = FakeCluster(clocks.now)
    cron = Cron(ledger, FakeLauncher(cluster, ends_at_once=True), Settings("bench", rate=0), clocks)
    cron.configure(found)
    before = resource.getrusage(resource.RUSAGE_SELF)
    task = asyncio.ensure_future(cron.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    after = resource.getrusage(resource.RUSAGE_SELF)
    await ledger.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    late = [at - cluster.runs[name].key.instant for name, at in cluster.started_at.items()]
    return sorted(late), cpu


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run(found: Entries, seconds: float) -> tuple[list[float], float]:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder:
        return asyncio.run(lateness(Path(folder), found, seconds))


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure all of it."""
    each, _ = run(entries(1, "* * * * * *"), 15.0 if quick else 60.0)
    found = entries(MANY, "* * * * *")
    # Two whole minutes from whenever we start.
    many, _ = run(found, 130.0 - (0 if not quick else 60.0))
    _, idle = run(entries(MANY, "H H * * *"), 20.0)
    _, nothing = run({}, 20.0)
    return [
        ("a schedule each second: median lateness", f"{_share(each, 0.5) * 1000:.1f} ms",
         "8.8 ms (supercronic 3.8 ms, from its own figures)"),
        (f"{MANY:,} due at once: launches", f"{len(many):,}", ""),
        (f"{MANY:,} due at once: p99 lateness", f"{_share(many, 0.99):.2f} s", "1 s"),
        (f"{MANY:,} due at once: the last", f"{many[-1]:.2f} s", "3 s"),
        (f"{MANY:,} daily schedules at rest: CPU (start included)",
         f"{(idle - nothing) / 20:.1%} of a core", "1 %"),
    ]  # fmt: skip


if __name__ == "__main__":
    print(time.strftime("%H:%M:%S"), file=sys.stderr)
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
