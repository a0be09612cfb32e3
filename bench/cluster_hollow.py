"""Many jobs against as many bare pods where nodes only pretend to run them (kubemark).

What the machine of the other benchmarks cannot show, as it has to run the containers of all nodes:
how much of a cluster's own speed is left when each pod is a job. Such a node may leave a pod's
first container running for ever, so either kind counts, from its first pod, until the watch says
that each has begun this one. For the same reason there are no more jobs than nodes may have to
start at once (two each); then runs are cancelled, and pods are deleted. Nodes are labelled and
tainted `hollow=true`, and have no disk.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, NamedTuple

from bench import _cluster as clusters
from bench import _platform as platform
from bench._cluster import Cluster, Up
from bench._platform import Row
from bench.cluster_worker import HOLLOW, POOLS

JOBS = 40
ROUNDS = 5
QUICK_ROUNDS = 1
LONG = 300.0
SETTLE = 30.0
"""What was deleted keeps these nodes busy so much longer."""


class Round(NamedTuple):
    """Seconds from the first pod of either kind until the first container of each ran."""

    ours: float
    bare: float


def pod(name: str) -> dict[str, Any]:
    """Return a bare pod that asks for as much as ours do here."""
    made = clusters.bare(name, cpu="1m")
    inside = made["spec"] | {
        "nodeSelector": {"hollow": "true"},
        "tolerations": [{"key": "hollow", "operator": "Exists"}],
    }
    for each in (*inside["initContainers"], *inside["containers"]):
        each["resources"] = {"requests": {"cpu": "1m", "memory": "4Mi"}}
    return made | {"spec": inside}


def bare(cluster: Cluster, namespace: str) -> float:
    """Start bare pods, and return how long it took until all ran."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    known = cluster.pods()
    names = [f"bare-{len(known)}-{number}" for number in range(JOBS)]
    for name in names:
        cluster.call("POST", path, pod(name))
    took = _all_run(cluster, known)
    for name in names:
        cluster.call("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
    clusters.gone(cluster, SETTLE)
    return took


def ours(cluster: Cluster, up: Up) -> float:
    """Start jobs, and return how long it took until the pods of all ran."""
    api, known = up.server.api(), cluster.pods()
    # All are queued before any pod is made: a commit is not fetched by a cluster.
    os.kill(up.pid, signal.SIGSTOP)
    try:
        triggers = [clusters.trigger(up.server, "nothing") for _ in range(JOBS)]
        last = f"/api/v1/triggers/{triggers[-1]}"
        platform.until(lambda: api.call("GET", last)["runs"], "all are queued", LONG, 0.2)
    finally:
        os.kill(up.pid, signal.SIGCONT)
    took = _all_run(cluster, known)
    for each in triggers:
        for run in api.call("GET", f"/api/v1/triggers/{each}")["runs"]:
            api.call("POST", f"/api/v1/runs/{run['id']}/cancel")
    clusters.gone(cluster, SETTLE)
    return took


def _all_run(cluster: Cluster, known: set[str]) -> float:
    """Return the seconds from the first of those that are new to the last that began to run."""

    def ran(pod: str) -> float:
        # No engine is behind it: the watch alone knows, and may first hear that it has ended.
        both = (cluster.watched.get((pod, "prepare", each), 0.0) for each in ("start", "die"))
        return min(filter(None, both), default=0.0)

    def all_ran() -> bool:
        return sum(bool(ran(each)) for each in cluster.pods() - known) == JOBS

    platform.until(all_ran, "all run", LONG, 0.2)
    new = cluster.pods() - known
    return max(map(ran, new)) - min(cluster.when(each, "", "made") for each in new)


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    cluster, seen = Cluster(), []
    with (
        platform.scratch() as folder,
        cluster.namespace() as namespace,
        clusters.up(Path(folder), namespace, POOLS + HOLLOW) as up,
    ):
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            seen.append(Round(bare=bare(cluster, namespace), ours=ours(cluster, up)))
            clusters.tell(str(seen[-1]))
    ratio = platform.median([one.bare / one.ours for one in seen])
    took = [platform.median([getattr(one, name) for one in seen]) for name in ("ours", "bare")]
    return [
        (f"{JOBS} jobs : bare pods on hollow nodes, pods/s", f"{ratio:.2f}", "at least 0.9"),
        (f"{JOBS} of them, ours and bare", f"{took[0]:.1f}, {took[1]:.1f} s", ""),
        ("cores, and load in the end", f"{os.cpu_count()}, {os.getloadavg()[0]:.1f}", ""),
    ]


if __name__ == "__main__":
    platform.show(main)
