"""A configuration of Cronetes on a real cluster, unchanged: launched once each, then reaped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes import clusters

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

FILE = f"""
- schedule: "*/5 * * * * *"
  job:
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: sendemails
    spec:
      template:
        metadata:
          name: sendemails
        spec:
          restartPolicy: Never
          containers:
          - name: job
            image: {clusters.IMAGE}
            imagePullPolicy: IfNotPresent
            command: [echo, sent]
"""
PATIENCE = 240.0


@pytest.fixture
def namespace() -> Iterator[str]:
    with clusters.namespace() as name:
        yield name


def _steer(*words: str) -> list[str]:
    return [sys.executable, "-m", "steersman", *words]


def _jobs(namespace: str) -> list[Any]:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    items: list[Any] = clusters.ask(lambda api: api.call("GET", path))["items"]
    return items


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _done(namespace: str) -> list[Any]:
    return [job for job in _jobs(namespace) if (job.get("status") or {}).get("succeeded")]


def test_a_file_of_cronetes_runs_unchanged_by_two_instances_and_is_reaped(
    namespace: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yml"
    config.write_text(FILE)
    env = {**os.environ, "KUBE_NAMESPACE": namespace, "CRONETES_CONFIG": str(config)}
    one = subprocess.Popen(_steer("cronetes", "cron"), env=env, stderr=subprocess.DEVNULL)
    piped = {**env, "CRONETES_CONFIG": ""}
    two = subprocess.Popen(
        _steer("cronetes", "cron"), env=piped, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert two.stdin is not None
        two.stdin.write(FILE.encode())
        two.stdin.close()
        _until(lambda: len(_jobs(namespace)) >= 2)
        # Whoever leads is killed; the other goes on, without a hole and without a double.
        one.send_signal(signal.SIGKILL)
        one.wait()
        known = len(_jobs(namespace))
        _until(lambda: len(_jobs(namespace)) >= known + 4)
        two.send_signal(signal.SIGTERM)
        assert two.wait(PATIENCE) == 0
    finally:
        for each in (one, two):
            if each.poll() is None:
                each.kill()
                each.wait()
    jobs = _jobs(namespace)
    instants = sorted(int(job["metadata"]["annotations"]["steersman.dev/instant"]) for job in jobs)
    assert len(instants) == len(set(instants))
    assert instants == list(range(instants[0], instants[-1] + 1, 5))
    assert {job["metadata"]["labels"]["cronetes"] for job in jobs} == {"true"}
    _until(lambda: len(_done(namespace)) >= 2)
    done = {job["metadata"]["name"] for job in _done(namespace)}
    # Of a schedule whose logs are too much only the last stays.
    words = _steer("reap", "--log-bytes", "1", "--dry-run")
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    assert len(done - set(said.replace("would remove ", "").splitlines())) <= 1
    words = _steer("reap", "--succeeded", "0s")
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    gone = {line.removeprefix("removed ") for line in said.splitlines() if "sendemails-" in line}
    assert done <= gone
    assert gone.isdisjoint(job["metadata"]["name"] for job in _jobs(namespace))
