"""A node of a real cluster is put aside while a run is on it and its pod never ends."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from steersman.core.errors import NotFound
from tests.kubernetes import clusters

T = TypeVar("T")
pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(300)]

PATIENCE = 120.0
HOLD = "steersman.dev/tests"
TAINT = {"key": "steersman.dev/tests", "value": "aside", "effect": "NoSchedule"}


def _call(method: str, path: str, body: Any = None) -> Any:
    return clusters.ask(lambda api: api.call(method, path, body))


def _pod(node: str) -> dict[str, Any]:
    """Return a pod that likes *node* and never ends there, as it does elsewhere; it is held."""
    likes = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    term = {"weight": 100, "preference": {"matchExpressions": [likes]}}
    affinity = {"preferredDuringSchedulingIgnoredDuringExecution": [term]}
    where = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    container = {
        "name": "job", "image": clusters.IMAGE, "imagePullPolicy": "IfNotPresent", "env": [where],
        "command": ["sh", "-c", f'[ "$NODE" != {node} ] || sleep 600'],
    }  # fmt: skip
    return {
        "metadata": {"finalizers": [HOLD]},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "affinity": {"nodeAffinity": affinity},
            "containers": [container],
        },
    }


@contextmanager
def _put_aside(node: str) -> Iterator[None]:
    """Let *node* be tainted as one that is not to be trusted."""
    path = f"/api/v1/nodes/{node}"
    before = _call("GET", path)["spec"].get("taints") or []
    _call("PATCH", path, {"spec": {"taints": [*before, TAINT]}})
    try:
        yield
    finally:
        now = _call("GET", path)["spec"].get("taints") or []
        left = [each for each in now if each["key"] != TAINT["key"]]
        _call("PATCH", path, {"spec": {"taints": left or None}})


@contextmanager
def _cron(namespace: str, config: Path) -> Iterator[None]:
    env = {**os.environ, "KUBE_NAMESPACE": namespace}
    words = [sys.executable, "-m", "steersman", "cron", "--config", str(config)]
    child = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.kill()
        child.wait()


@pytest.fixture
def namespace() -> Iterator[str]:
    with clusters.namespace() as name:
        yield name
        for job in _jobs(name):
            path = f"/apis/batch/v1/namespaces/{name}/jobs/{job['metadata']['name']}"
            _call("DELETE", path, {"propagationPolicy": "Background"})
        _until(lambda: not _held(name))


def _pods(namespace: str) -> list[Any]:
    items: list[Any] = _call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return items


def _jobs(namespace: str) -> list[Any]:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    items: list[Any] = _call("GET", path)["items"]
    return items


def _held(namespace: str) -> list[Any]:
    """Let go of the pods that are there; return them."""
    pods = _pods(namespace)
    for pod in pods:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
        with contextlib.suppress(NotFound):
            _call("PATCH", path, {"metadata": {"finalizers": None}})
    return pods


def _until(found: Callable[[], T]) -> T:
    deadline = time.monotonic() + PATIENCE
    while not (it := found()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return it


def _said(job: Any, what: str) -> int:
    return int(job["metadata"]["annotations"][f"steersman.dev/{what}"])


def test_a_run_whose_node_is_put_aside_is_launched_again_and_holds_up_nobody(
    namespace: str, tmp_path: Path
) -> None:
    nodes = sorted(each["metadata"]["name"] for each in _call("GET", "/api/v1/nodes")["items"])
    if len(nodes) < 2:
        pytest.skip("a run can only move to another node where there is one")
    config = tmp_path / "cron.yml"
    job = {
        "metadata": {"name": "stuck"}, "spec": {"backoffLimit": 0, "template": _pod(nodes[-1])}
    }  # fmt: skip
    each = {"name": "stuck", "schedules": ["*/10 * * * * *"], "overlap": "forbid", "job": job}
    config.write_text(json.dumps({"schedules": [each]}))

    def running() -> list[Any]:
        return [pod for pod in _pods(namespace) if pod["status"].get("phase") == "Running"]

    def later() -> list[Any]:
        done = [each for each in _jobs(namespace) if (each.get("status") or {}).get("succeeded")]
        return [each for each in done if _said(each, "instant") > instant]

    with _cron(namespace, config):
        (pod,) = _until(running)
        assert pod["spec"]["nodeName"] == nodes[-1]
        (first,) = _jobs(namespace)
        instant = _said(first, "instant")
        with _put_aside(nodes[-1]):
            _until(later)
    again = [each for each in _jobs(namespace) if _said(each, "instant") == instant]
    assert [_said(each, "attempt-number") for each in again] == [2]
    (stuck,) = [
        each for each in _pods(namespace) if each["metadata"]["uid"] == pod["metadata"]["uid"]
    ]
    assert stuck["metadata"]["deletionTimestamp"]
    by_instant = [_said(each, "instant") for each in _jobs(namespace)]
    assert len(by_instant) == len(set(by_instant))
