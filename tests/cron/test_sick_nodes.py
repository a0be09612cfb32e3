"""A node of a real cluster is put aside while a run is on it and its pod never ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from steersman.core.errors import NotFound
from tests.cron import on_cluster
from tests.cron.on_cluster import call, said, until
from tests.kubernetes import clusters

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(300)]

HOLD = "steersman.dev/tests"
TAINT = {"key": "steersman.dev/tests", "value": "aside", "effect": "NoSchedule"}


@contextmanager
def _put_aside(node: str) -> Iterator[None]:
    """Let *node* be tainted as one that is not to be trusted."""
    path = f"/api/v1/nodes/{node}"
    before = call("GET", path)["spec"].get("taints") or []
    call("PATCH", path, {"spec": {"taints": [*before, TAINT]}})
    try:
        yield
    finally:
        now = call("GET", path)["spec"].get("taints") or []
        left = [each for each in now if each["key"] != TAINT["key"]]
        call("PATCH", path, {"spec": {"taints": left or None}})


@pytest.fixture
def namespace() -> Iterator[str]:
    with clusters.namespace() as name:
        yield name
        for job in on_cluster.jobs(name):
            path = f"/apis/batch/v1/namespaces/{name}/jobs/{job['metadata']['name']}"
            call("DELETE", path, {"propagationPolicy": "Background"})
        until(lambda: not _held(name))


def _held(namespace: str) -> list[Any]:
    """Let go of the pods that are there; return them."""
    pods = on_cluster.pods(namespace)
    for pod in pods:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
        with contextlib.suppress(NotFound):
            call("PATCH", path, {"metadata": {"finalizers": None}})
    return pods


def test_a_run_whose_node_is_put_aside_is_launched_again_and_holds_up_nobody(
    namespace: str, tmp_path: Path
) -> None:
    nodes = on_cluster.nodes()
    if len(nodes) < 2:
        pytest.skip("a run can only move to another node where there is one")
    template = on_cluster.endless_on(nodes[-1], finalizers=[HOLD])
    job = {"metadata": {"name": "stuck"}, "spec": {"backoffLimit": 0, "template": template}}
    each = {"name": "stuck", "schedules": ["*/10 * * * * *"], "overlap": "forbid", "job": job}
    with on_cluster.cron(namespace, tmp_path, each):
        (pod,) = until(lambda: on_cluster.running(namespace))
        assert pod["spec"]["nodeName"] == nodes[-1]
        (first,) = on_cluster.jobs(namespace)
        instant = said(first, "instant")
        with _put_aside(nodes[-1]):
            until(lambda: on_cluster.done_after(namespace, instant))
    jobs = on_cluster.jobs(namespace)
    again = [each for each in jobs if said(each, "instant") == instant]
    assert [said(each, "attempt-number") for each in again] == [2]
    (stuck,) = [
        each
        for each in on_cluster.pods(namespace)
        if each["metadata"]["uid"] == pod["metadata"]["uid"]
    ]
    assert stuck["metadata"]["deletionTimestamp"]
    by_instant = [said(each, "instant") for each in jobs]
    assert len(by_instant) == len(set(by_instant))
