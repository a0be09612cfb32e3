"""Decisions of cron: 30 days of downtime, 10,000 schedules, a million wakes, next instants.

`python -m bench.cron_decisions` alone, or through `python -m bench cron_decisions`.
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime

from steersman.core.schedules import expressions, planning, timetables
from steersman.core.schedules.pacing import Pace
from steersman.core.schedules.schedule import Cursor, Schedule
from steersman.cron.desk import Desk, Leadership
from steersman.cron.entries import Entry
from steersman.cron.launchers.base import Work
from steersman.cron.launchers.fake import FakeCluster, FakeLauncher
from steersman.cron.ledger.base import Loaded

Row = tuple[str, str, str]
NOW = 1_800_000_000
WAKES, QUICK_WAKES = 1_000_000, 20_000


def schedule(name: str, text: str, zone: str = "UTC") -> Schedule:
    """Return a schedule of one expression."""
    table = expressions.table(expressions.parse(text, seed=name), zone)
    return Schedule(name, (table,), (text,))


def downtime() -> Row:
    """Decide 30 days in which a schedule of every second was not looked at."""
    each = schedule("job", "* * * * * *", "Europe/Berlin")
    began = time.process_time()
    plan = planning.plan(each, Cursor("job", NOW - 30 * 86400, 0.0), NOW)
    took = time.process_time() - began
    assert sum(row.covers for row in plan.rows) == 30 * 86400
    return ("30 days of every second decided, CPU", f"{took * 1000:.1f} ms", "1 s")


def next_instants(text: str, count: int) -> list[Row]:
    """Find the next instants of an expression, beside cronsim and croniter."""
    table = expressions.table(expressions.parse(text), "Europe/Berlin")
    began, at = time.process_time(), NOW
    for _ in range(count):
        found = timetables.after(table, at)
        assert found is not None
        at = found
    ours = (time.process_time() - began) / count
    rows = [(f"next instant of `{text}` in Berlin, CPU", f"{ours * 1e6:.1f} us", "")]
    try:
        from cronsim import CronSim
    except ImportError:
        return rows
    theirs = CronSim(text, datetime.fromtimestamp(NOW, UTC))
    began = time.process_time()
    for _ in range(count):
        next(theirs)
    cost = (time.process_time() - began) / count
    return [
        *rows,
        (f"the same by cronsim, in UTC, CPU: {cost * 1e6:.1f} us", f"{ours / cost:.2f} times", ""),
    ]


def wakes(count: int) -> Row:
    """Wake at random around instants, on a wall's clock that jumps; count what is wrong."""
    chance = random.Random(1)  # noqa: S311
    wall = [float(NOW)]
    cluster = FakeCluster(lambda: wall[0])
    launcher = FakeLauncher(cluster)
    entry = Entry(schedule("job", "* * * * * *"), Work("job", "job", {}))
    desk = Desk(Leadership("one", 1), Loaded((), ()), Pace(0))
    desk.configure({"job": entry}, wall[0], planning.TOLERANCE)
    early = doubled = launched = 0
    seen: set[int] = set()
    latest = wall[0]
    for number in range(count):
        # Up to 200 ms before the instant, or after it; now and then a jump; always a slew.
        wall[0] += chance.uniform(0.0, 0.6) * (1 + chance.uniform(-5e-4, 5e-4))
        if number % 5000 == 4999:
            wall[0] += chance.choice((-3600.0, -60.0, -1.0, 1.0, 60.0, 3600.0))
        latest = max(latest, wall[0])
        desk.foresee(wall[0], launcher)
        desk.step(wall[0], cluster.runs, launcher, planning.TOLERANCE)
        changes = desk.rows.changes()
        desk.rows.written(changes)
        for fire in desk.claims.due(wall[0]):
            early += fire.instant > wall[0]
            doubled += fire.instant in seen
            seen.add(fire.instant)
            launched += 1
            done = desk.claims.launched(fire.key, "u", wall[0])
            assert done is not None
            desk.rows.open.pop(fire.key)
    assert launched == len(seen) + doubled
    return (
        f"{count:,} wakes, {launched:,} launches: early, doubled",
        f"{early}, {doubled}",
        "0, 0",
    )


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure all of it."""
    count = QUICK_WAKES if quick else WAKES
    return [
        downtime(),
        *next_instants("*/5 * * * *", 20_000),
        *next_instants("17 3 * * *", 5000),
        *next_instants("0 12 29 2 *", 500),
        wakes(count),
    ]


if __name__ == "__main__":
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
