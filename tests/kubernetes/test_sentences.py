"""A pod that somebody or something ends: each job says why, and ours are done again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.kubernetes.scenes import PATIENCE, Scene
from tests.platform.programs import until

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]
WAITS = "box: busybox\nbuild:\n  steps: [{script: {code: 'echo here; sleep 15; echo done'}}]\n"
EATS = """\
box: busybox
build:
  steps:
    - script: {code: "echo here; x=a; while :; do x=$x$x; done"}
  after-steps:
    - script: {code: echo after}
"""
GRACES = {"deleted-in-order": 30, "deleted-by-force": 0}
# The socket of the node's engine, of which the pool says where it is.
ENGINE = """\
box: debian:bookworm-slim
build:
  docker: true
  steps:
    - script: {code: 'curl -sS --unix-socket "${DOCKER_HOST#unix://}" http://engine/_ping'}
"""
NO_IMAGE = "box: no-such-image:1\nbuild:\n  steps: [{script: {code: echo}}]\n"


OTHERS = ("eats", "no-image", "engine", "engine-elsewhere")
Tries = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ended(stage: Scene) -> Tries:
    """What became of jobs, all at once, to whose pods something was done."""
    drained, other = stage.nodes
    stage.project("drained", WAITS)
    stage.project("eats", EATS, "only-2")
    stage.project("no-image", NO_IMAGE, "never")
    stage.project("engine", ENGINE, "only-2")
    stage.project("engine-elsewhere", ENGINE, "only-1")
    for name in GRACES:
        # Whoever is deleted on a node that is being drained was drained.
        stage.project(name, WAITS, "only-2")
    with stage.cordoned(other):
        runs = {"drained": stage.begin("drained")}
        assert stage.node(runs["drained"]) == drained
    runs |= {name: stage.begin(name) for name in (*GRACES, *OTHERS)}
    stage.talks(runs["drained"], "here")
    pod = stage.pod(stage.last(runs["drained"]))
    assert pod is not None
    with stage.cordoned(drained):
        stage.evict(pod)
        waiting = dict(GRACES)
        until(lambda: not _deleted(stage, runs, waiting), "the other jobs begin", PATIENCE)
        return {name: stage.over(run) for name, run in runs.items()}


def _deleted(stage: Scene, runs: Mapping[str, str], waiting: dict[str, int]) -> dict[str, int]:
    """Delete the pod of each job that has begun; return those that have not."""
    for name, grace in list(waiting.items()):
        last = stage.last(runs[name])
        pod = stage.pod(last)
        if pod is not None and "here" in stage.log(last):
            stage.delete(pod, grace)
            del waiting[name]
    return waiting


@pytest.mark.parametrize("name", GRACES)
def test_a_pod_that_somebody_deletes_is_told_and_the_job_is_done_again(
    stage: Scene, ended: Tries, name: str
) -> None:
    # More than two where the machine is too busy to start one in time.
    first, *_, last = ended[name]
    assert first["state"] == "errored", first
    # Its runner, which is told to stop, may be heard before whoever watches the pod.
    assert first["reason"] in ("runner-gone", "interrupted"), first
    if first["reason"] == "runner-gone":
        assert first["message"].endswith("somebody deleted its pod")
    assert last["state"] == "succeeded", last
    assert "done\n" not in stage.log(first)


def test_a_job_of_a_drained_node_is_done_by_another(ended: Tries) -> None:
    first, *_, last = ended["drained"]
    assert (first["state"], first["reason"]) == ("errored", "evicted"), first
    assert first["message"] == f"its node {first['node']} is being drained"
    assert last["state"] == "succeeded", "there was another node"


def test_a_step_that_eats_all_memory_fails_and_says_so(ended: Tries) -> None:
    [only] = ended["eats"]
    assert (only["state"], only["reason"]) == ("failed", "out-of-memory"), only
    assert "out of memory: the kernel killed a process of the box" in only["message"]
    assert "; it may have 64 MiB and used 6" in only["message"], only


def test_a_job_rules_the_engine_of_its_node_where_the_pool_allows_that(
    stage: Scene, ended: Tries
) -> None:
    [only] = ended["engine"]
    assert only["state"] == "succeeded", (only, stage.log(only))
    assert "OK" in stage.log(only)


def test_and_nowhere_else(ended: Tries) -> None:
    [only] = ended["engine-elsewhere"]
    assert (only["state"], only["reason"]) == ("failed", "rejected"), only
    assert "`docker: true` is not allowed in the pool only-1" in only["message"]


def test_an_image_that_cannot_be_had_is_the_users_to_mend(ended: Tries) -> None:
    [only] = ended["no-image"]
    assert only["state"] == "failed", only
    assert "no-such-image:1 cannot be fetched: it is not on the node" in only["message"]
