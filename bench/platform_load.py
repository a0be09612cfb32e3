"""Simulated runners against a server on SQLite and on PostgreSQL: cycles, triggers, leasing.

A cycle is lease, started, one piece of log, record; each of the connections does one after
another. Triggers are accepted while the server plans those it has. Leasing is compared between two
servers that are asked in turn. PostgreSQL is one of our own that does not wait for its disk.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import _platform as platform
from bench import platform_queue as queue
from bench._platform import Api, Row, Started

CONNECTIONS = 16
SPREAD = 10
SPARE = 100
"""Attempts that are left over: heads that others have locked are passed over."""
VERBS = ("lease", "started", "log", "record")


class Sizes(NamedTuple):
    """How many of each."""

    cycles: int = 600
    rounds: int = 3
    triggers: int = 600
    few: int = 100
    many: int = 100_000
    leases: int = 80


QUICK = Sizes(cycles=60, rounds=1, triggers=40, few=40, many=2000, leases=16)


def load(folder: Path, name: str, database: str, sizes: Sizes) -> list[Row]:
    """Return the rows of cycles and triggers on one database."""
    with queue.server(folder / "load", database) as up:
        total = sizes.cycles * (sizes.rounds + 1)
        queue.fill(up, database, folder / "load-repository", SPREAD, total + SPARE)
        said = {"port": up.port, "token": up.token, "worker": up.worker_token()}
        said |= {"connections": CONNECTIONS, "spread": SPREAD}
        rounds, costs = [], []
        for turn in range(sizes.rounds + 1):
            before = up.group.seconds()
            done = platform.simulate(said | {"kind": "cycles", "total": sizes.cycles})
            if turn:
                rounds.append(done)
                costs.append((up.group.seconds() - before) / sizes.cycles)
        wanted = said | {"kind": "triggers", "total": sizes.triggers}
        accepted = platform.simulate(wanted)["seconds"]
        planned = _planned(up, sizes.triggers, accepted)
    speed = platform.median([sizes.cycles / each["seconds"] for each in rounds])
    spent = [platform.median([each["spent"][n] for each in rounds]) for n in range(4)]
    verbs = ", ".join(f"{verb} {s * 1000:.0f}" for verb, s in zip(VERBS, spent, strict=True))
    return [
        (f"{name}: cycles/s, {CONNECTIONS} runners at once", f"{speed:.0f}", "100 (goal 200)"),
        (f"{name}: ms of a cycle's requests", verbs, ""),
        (f"{name}: CPU of the server for a cycle", f"{platform.median(costs) * 1000:.1f} ms", ""),
        (f"{name}: triggers accepted/s", f"{sizes.triggers / accepted:.0f}", "300"),
        (f"{name}: triggers planned/s", f"{planned:.0f}", ""),
    ]


def _planned(up: Started, total: int, already: float) -> float:
    """Return how many triggers a second become runs."""
    api = up.api()
    began = time.perf_counter()

    def is_planned() -> bool:
        found = [
            api.call("GET", f"/api/v1/runs?project=project-{n}&state=queued&limit=200")
            for n in range(SPREAD)
        ]
        return sum(len(page["items"]) for page in found) >= total + SPARE

    platform.until(is_planned, "every trigger is planned", 300, pause=0.5)
    return total / (time.perf_counter() - began + already)


def leasing(folder: Path, name: str, pair: tuple[str, str], sizes: Sizes) -> Row:
    """Return how much longer leasing takes with a long queue, the two servers in turn."""
    with ExitStack() as stack:
        workers = []
        for label, database, total in zip(
            ("few", "many"), pair, (sizes.few, sizes.many), strict=True
        ):
            up = stack.enter_context(queue.server(folder / label, database))
            queue.fill(up, database, folder / f"{label}-repository", SPREAD, total)
            workers.append(up.api(up.worker_token()))
        seen = [[_lease(api) for api in workers] for _ in range(sizes.leases)][sizes.leases // 8 :]
    few, many = (platform.median([turn[n] for turn in seen]) for n in (0, 1))
    ratio = platform.median([turn[1] / turn[0] for turn in seen])
    what = f"{name}: leasing, {sizes.many} queued : {sizes.few} queued"
    return what, f"{ratio:.2f} ({many * 1000:.1f} : {few * 1000:.1f} ms)", "1.2"


def _lease(api: Api) -> float:
    said = {
        "worker": "one", "pools": ["default"], "capabilities": [],
        "slots": 100, "take": 1, "wait": 0.0,
    }  # fmt: skip
    began = time.perf_counter()
    assert api.call("POST", "/worker/v1/lease", said)["granted"]
    return time.perf_counter() - began


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    sizes = QUICK if quick else Sizes()
    rows: list[Row] = []
    for measure in ("load", "leasing"):
        with queue.databases() as found, platform.scratch() as folder:
            for name, one, other in found:
                here = folder / name.lower()
                if measure == "load":
                    rows += load(here, name, one, sizes)
                else:
                    rows.append(leasing(here, name, (one, other), sizes))
    return rows


if __name__ == "__main__":
    platform.show(main)
