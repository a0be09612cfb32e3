"""How long nothing is launched after the leader was killed: real processes, terms of ten seconds.

Two instances share a ledger in PostgreSQL and a schedule of every second. Each time the leader is
killed by the kernel, the other one goes on, and another one is started.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import postgresql

from steersman.cron.ledger.base import LEADING
from steersman.cron.ledger.sql import SqlLedger
from steersman.store import engines

Row = tuple[str, str, str]
KILLS, QUICK_KILLS = 10, 2
PATIENCE = 60.0


class Scene:
    """Instances that start runs as files of *folder*."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._started = 0
        self.alive: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start one more instance."""
        self._started += 1
        said = {"url": self._url, "folder": str(self._folder), "name": f"i{self._started}",
                "schedules": 1, "leading": LEADING}  # fmt: skip
        words = [sys.executable, "-m", "tests.cron.instance", json.dumps(said)]
        child = subprocess.Popen(words)
        self.alive[child.pid] = child

    def leader(self) -> subprocess.Popen[bytes]:
        """Return who leads; names of instances end with their pid."""
        ledger = SqlLedger(engines.open_engine(self._url), time.time)
        term = asyncio.run(ledger.leader())
        asyncio.run(ledger.close())
        assert term is not None
        return self.alive[int(term.holder.rpartition("-")[2])]

    def next_launch(self) -> None:
        """Wait until something is launched that was not."""
        known, deadline = len(os.listdir(self._folder)), time.monotonic() + PATIENCE
        while len(os.listdir(self._folder)) == known:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> float:
        """Kill the leader; return the seconds until the next launch."""
        leader = self.leader()
        self.next_launch()
        leader.send_signal(signal.SIGKILL)
        began = time.monotonic()
        leader.wait()
        del self.alive[leader.pid]
        self.next_launch()
        return time.monotonic() - began


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure all of it."""
    if postgresql.programs() is None:
        print("PostgreSQL is not installed: skipped", file=sys.stderr)
        return []
    chance, waits = random.Random(1), []  # noqa: S311
    with postgresql.started() as server, tempfile.TemporaryDirectory() as folder:
        scene = Scene(server.new_database(), Path(folder))
        try:
            for _ in range(2):
                scene.start()
            scene.next_launch()
            for _ in range(QUICK_KILLS if quick else KILLS):
                # At any point of a term.
                time.sleep(chance.uniform(3.0, 6.0))
                waits.append(scene.kill())
                scene.start()
        finally:
            for each in scene.alive.values():
                each.kill()
                each.wait()
    what = f"leader killed, {len(waits)} times: next launch after"
    return [(what, f"{min(waits):.1f} to {max(waits):.1f} s", "15 s")]


if __name__ == "__main__":
    for row in main("--quick" in sys.argv[1:]):
        print(*row, sep="\t")
