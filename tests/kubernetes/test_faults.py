"""What a sick cluster does to jobs: nothing, or another attempt elsewhere, and the right sentence.

HANG_SECONDS makes the job that runs on a node without its engine longer (`make chaos-cluster`).
"""

from __future__ import annotations

import os
import re
import socket
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from tests.kubernetes import clusters
from tests.kubernetes.scenes import PATIENCE, Scene
from tests.platform.programs import until

SECONDS = int(os.environ.get("HANG_SECONDS", "60"))
NOT_READY = 400
"""From so many seconds on, a node without its engine is marked, and Kubernetes would evict."""
pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(SECONDS + 500)]
WITHIN = 45.0
GAP = 15
"""Seconds between two lines that are to come every second, on a busy machine."""
COUNT = """
          i=0; end=$(($(date +%s) + SECONDS))
          while [ "$(date +%s)" -lt "$end" ]; do
            i=$((i + 1)); echo "line $i at $(date +%s) SAID"; sleep 1
          done
          echo "that was $i lines"
"""
# 20 kB a second: a megabyte in less than a minute.
TALKER = (
    "n=0; (while :; do n=$((n+1)); echo $n >/tmp/n; head -c 1000 /dev/zero | tr '\\\\0' x; echo;"
    " sleep 0.05; done) & exec httpd -f -p 4000 -h /tmp"
)


def counting(seconds: int, *, said: str = "", services: str = "") -> str:
    """Return a file whose step prints a line each second, for so long."""
    code = COUNT.replace("SECONDS", str(seconds)).replace("SAID", said)
    return f"box: busybox\n{services}build:\n  steps:\n    - script:\n        code: |{code}"


class Lines(NamedTuple):
    """What a step that counts printed: numbers, times, and the rest of each line."""

    numbers: list[int]
    times: list[int]
    rest: list[str]
    said: str

    @property
    def gap(self) -> int:
        return max(b - a for a, b in zip(self.times, self.times[1:], strict=False))


def lines(log: str) -> Lines:
    found = re.findall(r"^line (\d+) at (\d+) ?(.*)$", log, re.MULTILINE)
    last = re.findall(r"^that was (\d+) lines$", log, re.MULTILINE)
    numbers = [int(each[0]) for each in found]
    return Lines(numbers, [int(each[1]) for each in found], [each[2] for each in found], *last)


def lasted(attempt: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(attempt[key]) for key in ("started", "since"))
    return (ended - began).total_seconds()


class Hung(NamedTuple):
    """What became of jobs while a node's engine hung."""

    scene: Scene
    long: list[dict[str, Any]]
    talked: list[dict[str, Any]]
    moved: list[dict[str, Any]]


@pytest.fixture(scope="module")
def hung(stage: Scene) -> Hung:
    sick, well = stage.nodes
    services = (
        f'services:\n  - id: busybox\n    name: talker\n    cmd: ["sh", "-c", "{TALKER}"]\n'
        '    ports: ["4000"]\n'
    )
    asks = "$(printf 'GET /n HTTP/1.0\\r\\n\\r\\n' | nc -w 2 talker 4000 | tail -n 1)"
    stage.project("long", counting(SECONDS), "only-1")
    stage.project("talked", counting(SECONDS, said=asks, services=services), "only-1")
    stage.project("moved", counting(2))
    long, talked = stage.begin("long"), stage.begin("talked")
    for each in (long, talked):
        stage.talks(each, "line 3 ")
    with stage.lab.fault(sick, "hang-docker"):
        with stage.cordoned(well):
            moved = stage.begin("moved")
            assert stage.node(moved) == sick
        ended = [stage.over(moved), stage.over(long, SECONDS + PATIENCE), stage.over(talked)]
        assert not stage.lab.engine_answers(sick), "the engine hung all the time"
        if SECONDS > NOT_READY:
            assert not ready(sick), "the node was marked"
    return Hung(stage, ended[1], ended[2], ended[0])


def ready(node: str) -> bool:
    said = clusters.ask(lambda api: api.call("GET", f"/api/v1/nodes/{node}"))
    conditions = said["status"]["conditions"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def test_a_job_does_not_notice_that_the_engine_of_its_node_hangs(hung: Hung) -> None:
    [only] = hung.long
    assert only["state"] == "succeeded", only
    found = lines(hung.scene.log(only))
    assert found.numbers == list(range(1, int(found.said) + 1)), "the whole log, once"
    assert found.gap <= GAP, "no step waited for anything"
    assert lasted(only) <= SECONDS + PATIENCE / 4, "the end was heard when it came"


def test_a_service_that_talks_much_takes_nothing_from_a_job_on_such_a_node(hung: Hung) -> None:
    [only] = hung.talked
    assert only["state"] == "succeeded", only
    found = lines(hung.scene.log(only))
    assert found.numbers == list(range(1, int(found.said) + 1))
    assert found.gap <= GAP
    counts = [int(each) for each in found.rest if each.strip().isdigit()]
    print(f"the service came to {counts[-1]}, and stood there from second {len(set(counts))} on")
    assert len(counts) >= len(found.rest) * 0.9, "what did not print goes on in any case"


def test_a_job_that_was_to_start_on_such_a_node_starts_on_another_soon(hung: Hung) -> None:
    first, second, *more = hung.moved
    assert (first["state"], first["reason"]) == ("errored", "never-started"), first
    assert hung.scene.nodes[0] in first["message"]
    assert [second, *more][-1]["state"] == "succeeded", "there was another node"
    moved = hung.scene.granted(second) - hung.scene.granted(first)
    print(f"given to another node after {moved.total_seconds():.1f} s")
    assert moved.total_seconds() <= WITHIN


def test_a_job_that_its_node_took_away_from_us_is_done_by_another(stage: Scene) -> None:
    sick, well = stage.nodes
    stage.project("cut-off", counting(15))
    with stage.cordoned(well):
        run = stage.begin("cut-off")
        assert stage.node(run) == sick
    stage.talks(run, "line 3 ")
    before = stage.log(stage.last(run))
    with stage.lab.fault(sick, "partition"):
        until(lambda: not reachable(sick), "the fault bites")
        first, *_, last = stage.over(run)
    assert (first["state"], first["reason"]) == ("errored", "runner-silent"), first
    assert last["state"] == "succeeded", last
    until(lambda: stage.runner_ended(first), "the first one's runner ends")
    # It went on and came to its end: nobody believes it any more.
    again, *_, last = stage.tries(run)
    assert (again["state"], last["state"]) == ("errored", "succeeded")
    assert stage.log(again).startswith(before)
    found = lines(stage.log(last))
    assert found.numbers == list(range(1, int(found.said) + 1))


def reachable(node: str) -> bool:
    said = clusters.ask(lambda api: api.call("GET", f"/api/v1/nodes/{node}"))
    addresses = said["status"]["addresses"]
    address = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    try:
        with socket.create_connection((address, 10250), timeout=2):
            return True
    except OSError:
        return False
