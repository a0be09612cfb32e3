"""Jobs in pods from order to record: our two containers, the box beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner_pod.conftest import Make
from tests.runner_pod.platforms import Platform

HELLO = """box: {image}
build:
  steps:
    - script:
        name: look
        code: |
          echo "uid $(id -u) in $PWD"; cat greeting
          echo made > "$WERCKER_OUTPUT_DIR/made"; echo new > new; mkdir folder; echo x > folder/x
  after-steps:
    - script: {name: after, code: echo "after $WERCKER_RESULT"}
"""
BOXES = ["busybox", "debian:bookworm-slim", '{id: busybox, user: "1000"}']


@pytest.mark.engine
@pytest.mark.parametrize("image", BOXES)
def test_a_job_is_green_with_its_whole_log(
    image: str, platform: Platform, pods: Make, tmp_path: Path
) -> None:
    files = {"wercker.yml": HELLO.replace("{image}", image), "greeting": "good morning\n"}
    granted = platform.granted(tmp_path / "repository", files)
    pod = pods(granted)
    assert pod.prepare() == 0, pod.printed("prepare")
    pod.start()
    assert pod.code("runner") == 0, pod.printed("runner")
    assert pod.code("box") == 0, "it ends with its runner, and the pod takes no room any more"
    log = platform.log(granted)
    attempt = platform.attempt(granted)
    assert attempt["state"] == "succeeded", (attempt, log)
    assert "good morning" in log
    assert "after passed" in log
