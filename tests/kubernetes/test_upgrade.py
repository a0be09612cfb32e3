"""Other versions of server and worker take over while a job runs."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

import steersman
from tests.kubernetes.scenes import Scene
from tests.platform.programs import Program, until

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]
LINES = 60
PIPELINE = f"""\
box: busybox
build:
  steps:
    - script:
        code: for n in $(seq {LINES}); do echo "line $n"; sleep 0.2; done
"""
NEWER = "9.9.9"


def newer(folder: Path) -> Mapping[str, str]:
    """Return the environment in which programs are of another version: their code is a copy."""
    ours = Path(steersman.__file__).parent
    copy = folder / "steersman"
    shutil.copytree(ours, copy, ignore=shutil.ignore_patterns("*.pyc", ".mypy_cache"))
    start = copy / "__init__.py"
    start.write_text(start.read_text().replace(steersman.__version__, NEWER))
    return {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def test_a_job_outlives_the_server_and_the_worker_that_began_it(
    stage: Scene, tmp_path: Path
) -> None:
    platform, machine = stage.platform, stage.machine
    stage.project("upgraded", PIPELINE)
    run = stage.begin("upgraded")
    stage.talks(run, "line 2")
    env = newer(tmp_path)

    # As a Deployment does it: the new one first, then the old one is told to go.
    old, token = platform.worker, machine.call("POST", "/api/v1/workers/tokens/newer", None)
    words = ["newer" if word == "pods" else word for word in old.words]
    token_env = {"STEERSMAN_WORKER_TOKEN": token["token"]}
    platform.worker = Program(words, tmp_path / "worker.log", **token_env, **env)
    platform.worker.start()
    until(lambda: "worker_started: newer" in platform.worker.text, "the new worker is up")
    old.kill(signal.SIGTERM)

    machine.server.kill(signal.SIGTERM)
    machine.server.env |= env
    machine.start()
    assert machine.call("GET", "/version")["version"] == NEWER

    (attempt,) = stage.over(run)
    assert (attempt["state"], attempt["message"]) == ("succeeded", "")
    printed = [int(each) for each in re.findall(r"^line (\d+)$", stage.log(attempt), re.M)]
    assert printed == list(range(1, LINES + 1))
