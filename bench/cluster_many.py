"""Many jobs that do nothing, all queued at once, against as many bare pods created at once.

A bare pod counts until the end of its box, a job until its run is green; both are deleted as soon
as they have ended, so that they make room for others. The CPU of containers can be told where the
nodes' engines are on this machine.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bench import _cluster as clusters
from bench import _platform as platform
from bench._cluster import Cluster, Up
from bench._platform import Row

JOBS = 100
QUICK_JOBS = 40
ROUNDS = 3
LOOK = 0.25
LONG = 1800.0
SETTLE = 60.0
"""Seconds after which kubelets have cleared away what was deleted: it would slow down the next."""
CONTAINERS = Path("/sys/fs/cgroup/cpuacct/docker/cpuacct.usage")


class Round(NamedTuple):
    """Seconds for all of either kind, CPU of server, worker and containers, and lost attempts."""

    ours: float
    bare: float
    server: float
    worker: float
    containers: float
    bare_containers: float
    lost: int


def containers() -> float:
    """Return how many seconds of CPU containers of this machine have used; 0.0 where nobody says.

    It costs nothing; looking at all processes ten times a second took a tenth of what was measured.
    """
    with suppress(OSError):
        return int(CONTAINERS.read_text()) / 1e9
    return 0.0


def bare(cluster: Cluster, namespace: str, round_: int, count: int) -> float:
    """Run so many bare pods, and return how long it took."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    names = {f"bare-{round_}-{number}" for number in range(count)}
    began = time.time()
    for name in sorted(names):
        cluster.call("POST", path, clusters.bare(name))
    left, ended = set(names), [began]
    while left:
        for name in [each for each in left if cluster.when(each, "box", "die")]:
            ended.append(cluster.when(name, "box", "die"))
            left.remove(name)
            cluster.call("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
        time.sleep(LOOK)
    clusters.gone(cluster, SETTLE)
    return max(ended) - began


def ours(up: Up, count: int) -> tuple[float, int]:
    """Run so many jobs, and return how long it took, and how many attempts were lost."""
    api = up.server.api()
    began = time.time()
    left = [clusters.trigger(up.server, "nothing") for _ in range(count)]
    ended: list[float] = []
    tries = 0

    def all_ended() -> bool:
        nonlocal tries
        while left:
            runs = api.call("GET", f"/api/v1/triggers/{left[-1]}")["runs"]
            if not runs or runs[0]["ended"] is None:
                return False
            if runs[0]["state"] != "succeeded":
                raise RuntimeError(f"a run ended {runs[0]['state']}")
            ended.append(datetime.fromisoformat(runs[0]["ended"]).timestamp())
            run = api.call("GET", f"/api/v1/runs/{runs[0]['id']}")
            tries += len(run["jobs"][0]["attempts"])
            left.pop()
        return True

    # Seldom: what is asked costs the server as much as a job.
    platform.until(all_ended, "all runs are green", LONG, 1.0)
    return max(ended) - began, tries - count


def rounds(cluster: Cluster, folder: Path, count: int, times: int) -> list[Round]:
    """Run both in turn."""
    found = []
    with cluster.namespace() as namespace, clusters.up(folder, namespace) as up:
        ours(up, 2)
        for number in range(times):
            before = containers()
            theirs = bare(cluster, namespace, number, count)
            between, server, worker = containers(), up.server.group.seconds(), up.worker.seconds()
            mine, lost = ours(up, count)
            clusters.gone(cluster, SETTLE)
            server, worker = up.server.group.seconds() - server, up.worker.seconds() - worker
            inside = containers() - between
            found.append(Round(mine, theirs, server, worker, inside, between - before, lost))
            clusters.tell(str(found[-1]))
    return found


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    count, times = (QUICK_JOBS, 1) if quick else (JOBS, ROUNDS)
    with platform.scratch() as folder:
        seen = rounds(Cluster(), folder, count, times)

    def each_of(name: str) -> str:
        return f"{platform.median([getattr(one, name) / count for one in seen]) * 1000:.0f} ms"

    ratio = platform.median([one.bare / one.ours for one in seen])
    took = [platform.median([getattr(one, name) for one in seen]) for name in ("ours", "bare")]
    return [
        (f"{count} jobs in pods : bare pods, jobs/s", f"{ratio:.2f}", "at least 0.7"),
        (f"{count} of them, ours and bare", f"{took[0]:.1f}, {took[1]:.1f} s", ""),
        ("CPU of a job: server", each_of("server"), ""),
        ("CPU of a job: worker", each_of("worker"), ""),
        ("CPU of a job: its containers", each_of("containers"), ""),
        ("CPU of a bare pod: its containers", each_of("bare_containers"), ""),
        ("attempts lost meanwhile", str(sum(one.lost for one in seen)), "0"),
        ("cores, and load in the end", f"{os.cpu_count()}, {os.getloadavg()[0]:.1f}", ""),
    ]


if __name__ == "__main__":
    platform.show(main)
