"""A pod of ours against a bare pod with the same containers: what our start and end cost.

Both are counted from the pod's creation to the end of its main container: our runner, and the bare
pod's box. A bare pod's containers do nothing; our job's only step is `true`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.kubernetes import platforms

from bench import _cluster as clusters
from bench import _platform as platform
from bench._cluster import Cluster, Up
from bench._platform import Row

RUNS = 15
QUICK_RUNS = 4
OURS = (("prepare", "start"), ("prepare", "die"), ("box", "start"), ("runner", "die"))
BARE = (("prepare", "start"), ("prepare", "die"), ("box", "start"), ("box", "die"))
POOLS = platforms.POOLS.replace("cpu: 10m", "cpu: 500m")
"""As much weight as a process of a machine that is busy with other things has."""
STAGES = ("first container starts", "it ends", "the box starts", "the end")


class Pair(NamedTuple):
    """Stages of both in seconds, and from the trigger to the green run."""

    ours: list[float]
    bare: list[float]
    whole: float


def bare(cluster: Cluster, namespace: str, name: str, services: int) -> list[float]:
    """Run a bare pod to its end."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    cluster.call("POST", path, clusters.bare(name, services, "500m"))
    platform.until(lambda: cluster.when(name, "box", "die"), f"{name} ended")
    cluster.call("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})
    gone(cluster, name)
    return clusters.stages(cluster, name, BARE)


def gone(cluster: Cluster, pod: str) -> None:
    """Wait for the end of all of a pod, which would slow down the next one."""
    # What engines tell last of a pod is the end of its sandbox.
    part, what = ("POD", "die") if clusters.ENGINES else ("", "deleted")
    platform.until(lambda: cluster.when(pod, part, what), f"{pod} is gone", 120)


def ours(cluster: Cluster, up: Up, pipeline: str) -> tuple[list[float], float] | None:
    """Run a job to its end; the second is from the trigger to its green state.

    None where its first attempt was given up: a machine can be too busy for us, too.
    """
    began = time.time()
    run, attempt = clusters.attempt_of(up.server, clusters.trigger(up.server, pipeline))
    api, pod = up.server.api(), f"steer-{attempt}"
    # Not by asking the server, which would take its time from what is measured.
    over = ("runner", "die"), ("", "deleted")
    platform.until(lambda: any(cluster.when(pod, *each) for each in over), f"{pod} ended", 300)

    def ended() -> dict[str, Any] | None:
        said = api.call("GET", f"/api/v1/runs/{run}")
        return said if said["ended"] else None

    platform.until(ended, "the run has ended", 300, 0.1)
    if (said := ended()) is None or said["state"] != "succeeded":
        raise RuntimeError(f"the run ended otherwise: {said}")
    if len(said["jobs"][0]["attempts"]) > 1:
        return None
    whole = datetime.fromisoformat(said["ended"]).timestamp() - began
    gone(cluster, pod)
    return clusters.stages(cluster, pod, OURS), whole


def pairs(cluster: Cluster, folder: Path, runs: int, services: int) -> list[Pair]:
    """Run both in turn."""
    found: list[Pair] = []
    with cluster.namespace() as namespace, clusters.up(folder, namespace, POOLS) as up:
        for turn in itertools.count():
            theirs = bare(cluster, namespace, f"bare-{turn}", services)
            mine = ours(cluster, up, "served" if services else "nothing")
            if mine is not None and turn:
                found.append(Pair(mine[0], theirs, mine[1]))
                clusters.tell(f"{sum(mine[0]):.2f} s, bare {sum(theirs):.2f} s")
            if len(found) == runs:
                return found
    raise AssertionError


def rows(seen: Sequence[Pair], what: str, goal: str) -> list[Row]:
    """Say what pairs tell."""
    beyond = platform.median([sum(each.ours) - sum(each.bare) for each in seen])
    whole = platform.median([each.whole for each in seen])
    found = [
        (f"{what}: beyond a bare pod", f"{beyond:+.2f} s", goal),
        (f"{what}: bare pod", f"{platform.median([sum(each.bare) for each in seen]):.2f} s", ""),
        (f"{what}: trigger to green", f"{whole:.2f} s", ""),
    ]
    for at, stage in enumerate(STAGES):
        mine = platform.median([each.ours[at] for each in seen])
        theirs = platform.median([each.bare[at] for each in seen])
        found.append((f"{what}: until {stage}, ours and bare", f"{mine:.2f}, {theirs:.2f} s", ""))
    return found


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    runs = QUICK_RUNS if quick else RUNS
    cluster = Cluster()
    found: list[Row] = []
    for services, what in ((0, "a job in a pod"), (2, "with two services")):
        with platform.scratch() as folder:
            seen = pairs(cluster, folder, runs, services)
        found += rows(seen, what, "0.5 s (goal 0.3)")
    return found


if __name__ == "__main__":
    platform.show(main)
