"""A pod that somebody or something ends: each job says why, and ours are done again."""

from __future__ import annotations

import pytest

from tests.kubernetes.scenes import Scene
from tests.platform.programs import until

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("cluster"),
]
WAITS = "box: busybox\nbuild:\n  steps: [{script: {code: 'echo here; sleep 12; echo done'}}]\n"
EATS = """\
box: busybox
build:
  steps:
    - script: {code: "echo here; x=a; while :; do x=$x$x; done"}
  after-steps:
    - script: {code: echo after}
"""
NO_IMAGE = "box: no-such-image:1\nbuild:\n  steps: [{script: {code: echo}}]\n"


@pytest.mark.parametrize("grace", [30, 0], ids=["in order", "by force"])
def test_a_pod_that_somebody_deletes_is_told_and_the_job_is_done_again(
    stage: Scene, grace: int
) -> None:
    stage.project(f"deleted-{grace}", WAITS)
    run = stage.begin(f"deleted-{grace}")
    stage.talks(run, "here")
    pod = stage.pod(stage.last(run))
    assert pod is not None
    stage.delete(pod, grace)
    first, second = stage.over(run)
    assert (first["state"], first["reason"]) == ("errored", "runner-gone"), first
    assert first["message"] == "somebody deleted its pod"
    assert second["state"] == "succeeded", second
    assert "done\n" not in stage.log(first)


def test_a_job_of_a_drained_node_is_done_by_another(stage: Scene) -> None:
    stage.project("drained", WAITS)
    run = stage.begin("drained")
    stage.talks(run, "here")
    pod = stage.pod(stage.last(run))
    assert pod is not None
    node = pod["spec"]["nodeName"]
    with stage.cordoned(node):
        stage.evict(pod)
        first, second = stage.over(run)
    assert (first["state"], first["reason"]) == ("errored", "evicted"), first
    assert first["message"] == f"its node {node} is being drained"
    assert second["state"] == "succeeded", "there was another node"


def test_a_step_that_eats_all_memory_fails_and_says_how_much_there_was(stage: Scene) -> None:
    stage.project("eats", EATS)
    [only] = stage.over(stage.begin("eats"))
    assert (only["state"], only["reason"]) == ("failed", "out-of-memory"), only
    assert "64Mi" in only["message"] or "memory" in only["message"]


def test_an_image_that_cannot_be_had_is_the_users_to_mend(stage: Scene) -> None:
    stage.project("no-image", NO_IMAGE, "never")
    [only] = stage.over(stage.begin("no-image"))
    assert only["state"] == "failed", only
    assert "no-such-image:1 cannot be fetched: it is not on the node" in only["message"]


def test_nothing_is_left_of_all_these(stage: Scene) -> None:
    stage.nothing_left()
    until(lambda: not stage.all("pods"), "no pod comes back")
