"""Many jobs against as many bare pods where nodes only pretend to run them (kubemark).

What the machine of the other benchmarks cannot show, as it has to run the containers of all nodes:
how much of a cluster's own speed is left when each pod is a job. Either kind counts until the
watch says that its box runs; nothing there ever ends, so runs are cancelled and pods are deleted.
Nodes are labelled and tainted `hollow=true`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from tests.kubernetes.platforms import POOLS

from bench import _cluster as clusters
from bench import _platform as platform
from bench._cluster import Cluster, Up
from bench._platform import Row

JOBS = 100
ROUNDS = 5
QUICK_ROUNDS = 1
HOLLOW = """\
  node-selector: {hollow: "true"}
  tolerations: [{key: hollow, operator: Exists}]
"""
TOLERATED = {
    "nodeSelector": {"hollow": "true"},
    "tolerations": [{"key": "hollow", "operator": "Exists"}],
}


class Round(NamedTuple):
    """Seconds until all of either kind ran."""

    ours: float
    bare: float


def bare(cluster: Cluster, namespace: str, turn: int) -> float:
    """Start bare pods, and return how long it took until all ran."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    names, began = {f"bare-{turn}-{number}" for number in range(JOBS)}, time.time()
    for name in sorted(names):
        pod = clusters.bare(name)
        cluster.call("POST", path, pod | {"spec": pod["spec"] | TOLERATED})
    took = _all_run(cluster, names) - began
    for name in names:
        cluster.call("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
    _gone(cluster)
    return took


def ours(cluster: Cluster, up: Up) -> float:
    """Start jobs, and return how long it took until the boxes of all ran."""
    api, began = up.server.api(), time.time()
    triggers = [clusters.trigger(up.server, "nothing") for _ in range(JOBS)]
    found = [clusters.attempt_of(up.server, each) for each in triggers]
    took = _all_run(cluster, {f"steer-{attempt}" for _, attempt in found}) - began
    for run, _ in found:
        api.call("POST", f"/api/v1/runs/{run}/cancel")
    _gone(cluster)
    return took


def _all_run(cluster: Cluster, names: set[str]) -> float:
    """Return when the last of them began to run."""
    # No engine is behind it: the watch alone knows.
    runs = [(name, "box", "start") for name in names]
    platform.until(lambda: all(each in cluster.watched for each in runs), "all run", 600, 0.1)
    return max(cluster.watched[each] for each in runs)


def _gone(cluster: Cluster) -> None:
    platform.until(
        lambda: all(cluster.when(pod, "", "deleted") for pod in cluster.pods()),
        "all pods gone",
        600,
    )


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    cluster, seen = Cluster(), []
    with (
        platform.scratch() as folder,
        cluster.namespace() as namespace,
        clusters.up(Path(folder), namespace, POOLS + HOLLOW) as up,
    ):
        for turn in range(QUICK_ROUNDS if quick else ROUNDS):
            seen.append(Round(bare=bare(cluster, namespace, turn), ours=ours(cluster, up)))
            clusters.tell(str(seen[-1]))
    ratio = platform.median([one.bare / one.ours for one in seen])
    took = [platform.median([getattr(one, name) for one in seen]) for name in ("ours", "bare")]
    return [
        (f"{JOBS} jobs : bare pods on hollow nodes, jobs/s", f"{ratio:.2f}", "at least 0.9"),
        (f"{JOBS} of them, ours and bare", f"{took[0]:.1f}, {took[1]:.1f} s", ""),
    ]


if __name__ == "__main__":
    platform.show(main)
