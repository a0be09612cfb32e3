"""`steer cron` as a process on a real cluster, and what can be seen of its Jobs there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.kubernetes import clusters

T = TypeVar("T")
PATIENCE = 120.0


def call(method: str, path: str, body: Any = None) -> Any:
    """Say something to the API server."""
    return clusters.ask(lambda api: api.call(method, path, body))


def nodes() -> list[str]:
    return sorted(each["metadata"]["name"] for each in call("GET", "/api/v1/nodes")["items"])


def pods(namespace: str) -> list[Any]:
    items: list[Any] = call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return items


def running(namespace: str) -> list[Any]:
    return [pod for pod in pods(namespace) if pod["status"].get("phase") == "Running"]


def jobs(namespace: str) -> list[Any]:
    items: list[Any] = call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    return items


def said(job: Any, what: str) -> int:
    """Return the number that a Job is annotated with."""
    return int(job["metadata"]["annotations"][f"steersman.dev/{what}"])


def done_after(namespace: str, instant: int) -> list[Any]:
    """Return the Jobs of later instants that succeeded."""
    done = [each for each in jobs(namespace) if (each.get("status") or {}).get("succeeded")]
    return [each for each in done if said(each, "instant") > instant]


def until(found: Callable[[], T], patience: float = PATIENCE) -> T:
    deadline = time.monotonic() + patience
    while not (it := found()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return it


def endless_on(node: str, **metadata: Any) -> dict[str, Any]:
    """Return a pod that likes *node* and never ends there, as it does at once elsewhere."""
    likes = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    term = {"weight": 100, "preference": {"matchExpressions": [likes]}}
    where = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    container = {
        "name": "job", "image": clusters.IMAGE, "imagePullPolicy": "IfNotPresent", "env": [where],
        "command": ["sh", "-c", f'[ "$NODE" != {node} ] || sleep 600'],
    }  # fmt: skip
    return {
        "metadata": metadata,
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "affinity": {
                "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}
            },
            "containers": [container],
        },
    }


@contextmanager
def cron(namespace: str, folder: Path, schedule: dict[str, Any]) -> Iterator[Path]:
    """Run `steer cron` with one schedule; its ledger is the file that is given."""
    config, ledger = folder / "cron.yml", folder / "ledger.db"
    config.write_text(json.dumps({"schedules": [schedule]}))
    env = {**os.environ, "KUBE_NAMESPACE": namespace}
    words = [sys.executable, "-m", "steersman", "cron", "--config", str(config)]
    words += ["--ledger", f"sqlite:///{ledger}"]
    child = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    try:
        yield ledger
    finally:
        child.kill()
        child.wait()
