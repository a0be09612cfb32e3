"""How late Jobs are made on a cluster each minute: by us, and by its own CronJob controller.

KUBECONFIG names the cluster. Both make the same Job at the same instants, in one namespace; a Job
counts from when a list shows it, which is asked for five times a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kubernetes import clusters

from steersman.cluster.kubernetes.api import Api

Row = tuple[str, str, str]
LOOK_EVERY = 0.2
MINUTES = 4
TEMPLATE = {
    "template": {
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "job",
                    "image": clusters.IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["true"],
                }
            ],
        }
    }
}


def cron_job() -> dict[str, Any]:
    """Return the cluster's own object."""
    return {
        "metadata": {"name": "theirs"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": TEMPLATE}},
    }


@contextmanager
def _ours(namespace: str, folder: Path) -> Iterator[None]:
    """Run our cron, its ledger in a ConfigMap of the same cluster."""
    job = {"metadata": {"name": "ours"}, "spec": TEMPLATE}
    config = folder / "cron.yml"
    # Seconds first, as Cronetes wrote it; JSON is YAML.
    config.write_text(json.dumps([{"schedule": "0 * * * * *", "job": job}]))
    env = {**os.environ, "KUBE_NAMESPACE": namespace, "CRONETES_CONFIG": str(config)}
    words = [sys.executable, "-m", "steersman", "cronetes", "cron"]
    child = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)


async def _seen(api: Api, namespace: str, until: float) -> dict[str, float]:
    """Return how long after its minute each Job was there."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    found: dict[str, float] = {}
    while time.time() < until:
        jobs = (await api.call("GET", path))["items"]
        now = time.time()
        for job in jobs:
            found.setdefault(job["metadata"]["name"], now % 60)
        await asyncio.sleep(LOOK_EVERY)
    return found


async def _watched(namespace: str) -> dict[str, float]:
    api = clusters.api()
    try:
        version = (await api.call("GET", "/version"))["minor"].rstrip("+")
        group = "batch/v1" if int(version) >= 21 else "batch/v1beta1"
        path = f"/apis/{group}/namespaces/{namespace}/cronjobs"
        kind = {"apiVersion": group, "kind": "CronJob"}
        await api.call("POST", path, {**kind, **cron_job()})
        until = (time.time() // 60 + MINUTES) * 60 + 30
        return await _seen(api, namespace, until)
    finally:
        await api.close()


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - as all benchmarks here
    """Measure both for a few minutes."""
    if clusters.kubeconfig() is None:
        print("KUBECONFIG names no cluster: skipped", file=sys.stderr)
        return []
    with (
        tempfile.TemporaryDirectory() as folder,
        clusters.namespace() as namespace,
        _ours(namespace, Path(folder)),
    ):
        found = asyncio.run(_watched(namespace))
    ours = sorted(late for name, late in found.items() if name.startswith("ours-"))
    theirs = sorted(late for name, late in found.items() if name.startswith("theirs-"))
    mine, yardstick = statistics.median(ours), statistics.median(theirs)
    return [
        (f"a Job each minute by the CronJob controller: median of {len(theirs)}, the last",
         f"{yardstick:.1f} s, {theirs[-1]:.1f} s", ""),
        (f"a Job each minute by us: median of {len(ours)}, the last",
         f"{mine:.1f} s, {ours[-1]:.1f} s", ""),
        ("the same, us : the controller", f"{mine / yardstick:.2f}", "1"),
    ]  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
