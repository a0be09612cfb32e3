"""How late the platform's own schedules start runs: 10,000 of ten projects due in one second.

The launcher is a server's, without the limit of launches a second and without what makes runs of
triggers: nobody reads a repository here. A launch counts from when its trigger and the row of its
instant are committed, not from the moment its transaction bears. The ledger of `steer cron` does as
many on a database of the same kind beside it, in turn; its launches start nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, insert, select
from tests import postgresql

from bench import _platform as platform
from bench import cron_lateness
from bench._platform import Row
from steersman.cli.server_parts import Options, build
from steersman.core.schedules.fires import State
from steersman.server import schedules
from steersman.server.platform import Platform
from steersman.server.schedules_firing import Scheduler
from steersman.store import projects
from steersman.store.base import Transaction
from steersman.store.tables import fires, triggers
from steersman.store.tables import projects as project_table

SPREAD = 10
LEAD = 30.0
"""Seconds until the instant of all of them, in which they are added and made ready."""
PATIENCE = 60.0


class Sizes(NamedTuple):
    """How many schedules, and how often."""

    many: int = 10_000
    turns: int = 3


QUICK = Sizes(many=1000, turns=1)


class Ran(NamedTuple):
    """How late each launch was committed, in order, and the CPU of this process for all of them."""

    late: list[float]
    cpu: float


def _second() -> int:
    """Return a second of the minute that is soon, but not before everything is ready."""
    return int(time.time() + LEAD) % 60


def _fill(tx: Transaction, parts: Platform, many: int, second: int) -> None:
    """Add schedules of one second of each minute, and their projects."""
    for number in range(SPREAD):
        owner = parts.clock.new_id()
        name = f"project-{number}"
        project = {"id": owner, "name": name, "repository": "/nowhere", "settings": {}}
        tx.execute(insert(project_table), {**project, "created": tx.now})
        for each in range(number, many, SPREAD):
            row = {"id": parts.clock.new_id(), "project_id": owner, "name": f"schedule-{each}"}
            spec = {"cron": f"{second} * * * * *"}
            schedules.add(tx, {**row, "target": "build", "spec": spec}, time.time())


async def _launched(parts: Platform, many: int) -> Ran:
    """Let the launcher run until all are triggers."""
    store = parts.store
    committed: list[float] = []
    stop = store.waking.listen(projects.TRIGGERED, lambda: committed.append(time.time()))
    second = _second()
    await store.rewrite(lambda tx: _fill(tx, parts, many, second))
    task = asyncio.ensure_future(Scheduler(parts, rate=0).run())
    before, deadline = time.process_time(), time.monotonic() + PATIENCE
    while await store.read(_count) < many:
        assert time.monotonic() < deadline, "not all were launched"
        await asyncio.sleep(1.0)
    cpu = time.process_time() - before
    stop()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    turns = await store.scan(_turns)
    # Each transaction has one moment, and is told of once.
    ordered = zip(turns, committed, strict=True)
    late = [at - instant for (_, instant, number), at in ordered for _ in range(number)]
    return Ran(sorted(late), cpu)


def _count(tx: Transaction) -> int:
    return int(tx.value(select(func.count()).select_from(triggers)))


def _turns(tx: Transaction) -> list[tuple[float, int, int]]:
    """Return the transactions in which something was launched: moment, instant, number."""
    query = select(fires.c.launched, func.min(fires.c.instant), func.count())
    query = query.where(fires.c.state == State.FIRED.value)
    found = tx.execute(query.group_by(fires.c.launched).order_by(fires.c.launched))
    return [(moment, instant, number) for moment, instant, number in found]


def ours(folder: Path, database: str, many: int) -> Ran:
    """Measure the platform's launcher."""
    options = Options(folder, "http://127.0.0.1", database=database, allow_local=True)
    gc.set_threshold(100_000)  # as `steer server` does
    parts = build(options, {})
    try:
        return asyncio.run(_launched(parts, many))
    finally:
        parts.store.close()


def yardstick(database: str, many: int) -> list[float]:
    """Measure as many of `steer cron`."""
    before = gc.get_threshold()
    try:
        found = cron_lateness.entries(many, f"{_second()} * * * * *")
        return cron_lateness.run(found, LEAD + 5, url=database).late
    finally:
        gc.set_threshold(*before)


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _said(found: list[list[float]], share: float) -> str:
    """Return a share of each turn: the lowest, the median and the highest of them."""
    figures = sorted(_share(each, share) for each in found)
    middle = platform.median(figures)
    return f"{middle:.2f} s ({figures[0]:.2f} to {figures[-1]:.2f})"


def measured(folder: Path, name: str, new: Callable[[], str], sizes: Sizes) -> list[Row]:
    """Measure us and the yardstick in turn, each on a *new* database; "" is SQLite."""
    mine, theirs = [], []
    for turn in range(sizes.turns):
        mine.append(ours(folder / f"{name}-{turn}", new(), sizes.many))
        theirs.append(yardstick(new(), sizes.many))
    late = [each.late for each in mine]
    cpu = platform.median([each.cpu / sizes.many for each in mine])
    ratios = [_share(a, 0.99) / _share(b, 0.99) for a, b in zip(late, theirs, strict=True)]
    what = f"{name}: {sizes.many:,} schedules of {SPREAD} projects due at once"
    return [
        (f"{what}: launches", f"{min(map(len, late)):,}", ""),
        (f"{what}: p50", _said(late, 0.5), ""),
        (f"{what}: p99", _said(late, 0.99), "1 s"),
        (f"{what}: the last", _said(late, 1.0), "3 s"),
        (f"{what}: CPU of the server for a launch", f"{cpu * 1000:.2f} ms", ""),
        (f"{what}: p99 of `steer cron`", _said(theirs, 0.99), ""),
        (f"{what}: p99, us : `steer cron`", f"{platform.median(ratios):.2f}", ""),
    ]


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    sizes = QUICK if quick else Sizes()
    with platform.scratch() as folder:
        rows = measured(folder, "SQLite", str, sizes)
        if postgresql.programs() is not None:
            with postgresql.started() as server:
                rows += measured(folder, "PostgreSQL", server.new_database, sizes)
    return rows


if __name__ == "__main__":
    platform.show(main)
