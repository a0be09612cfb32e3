"""Nodes, control plane, worker and server fail at random moments; nothing is lost or doubled.

The short form is part of every run of the tests; CHAOS_CLUSTER_JOBS makes it long.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.kubernetes.scenes import AWAY, Scene
from tests.platform.programs import Ended, until

JOBS = int(os.environ.get("CHAOS_CLUSTER_JOBS", "12"))
ROUNDS = max(1, JOBS // 20)
"""How often each fault happens; jobs go on to begin until all have."""
AT_ONCE = 4
LINES = 30
WHOLE = 300 + 45 * JOBS
"""Seconds for everything, on a busy machine."""
pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(WHOLE + 300)]
PIPELINE = f"""\
box: busybox
build:
  steps:
    - script:
        name: count
        code: |
          i=0
          while [ $i -lt {LINES} ]; do
            i=$((i + 1)); echo "line $i of {LINES}"; sleep 0.4
          done
    - script:
        name: verdict
        code: test "$WANTED" = green
"""
EXPECTED = "".join(f"line {number} of {LINES}\n" for number in range(1, LINES + 1))


class Faults:
    """What goes wrong, and how; each is over when it returns."""

    def __init__(self, stage: Scene, chance: random.Random) -> None:
        self._stage, self._chance = stage, chance
        self._todo: dict[str, Callable[[], None]] = {
            "server": self._server,
            "worker": self._worker,
            "kube-apiserver": lambda: stage.lab.restart("kube-apiserver"),
            "etcd": lambda: stage.lab.restart("etcd"),
            "kill-kubelet": lambda: self._node("kill-kubelet", 8),
            "hang-kubelet": lambda: self._node("hang-kubelet", 8),
            "kill-docker": lambda: self._node("kill-docker", 8),
            "hang-docker": lambda: self._node("hang-docker", 12),
            "partition": lambda: self._node("partition", 12),
        }

    def names(self) -> list[str]:
        """Return all faults, so often, in any order."""
        found = [name for name in self._todo for _ in range(ROUNDS)]
        self._chance.shuffle(found)
        return found

    def happen(self, name: str) -> None:
        self._todo[name]()

    def _node(self, what: str, seconds: float) -> None:
        with self._stage.lab.fault(self._chance.choice(self._stage.nodes), what):
            time.sleep(seconds * (0.5 + self._chance.random()))

    def _server(self) -> None:
        self._stage.machine.server.kill()
        time.sleep(2 * self._chance.random())
        self._stage.machine.start()

    def _worker(self) -> None:
        self._stage.platform.worker.kill()
        time.sleep(2 * self._chance.random())
        self._stage.platform.worker.start()


class Jobs:
    """At least so many jobs, a few at a time, and what was ever acknowledged of their logs."""

    def __init__(self, stage: Scene) -> None:
        self._stage = stage
        self.runs: list[str] = []
        self.acknowledged: dict[str, str] = {}
        self.enough = threading.Event()
        self._over = threading.Event()

    @property
    def all_begun(self) -> bool:
        return len(self.runs) >= JOBS and self.enough.is_set()

    def open(self) -> list[str]:
        """Return the runs that have not ended."""
        listed = {run["id"]: run["state"] for run in self._stage.machine.runs("chaos")}
        return [run for run in self.runs if listed[run] not in Ended]

    def work(self) -> None:
        """Begin one when another has ended, and look at every log meanwhile."""
        while not self._over.is_set():
            try:
                unended = self.open()
                if not self.all_begun and len(unended) < AT_ONCE:
                    number = len(self.runs)
                    color = "green" if number % 3 else "red"
                    self.runs.append(self._stage.begin("chaos", f"key-{number}", WANTED=color))
                for run in unended:
                    last = self._stage.last(run)
                    log = self._stage.log(last)
                    if len(log) > len(self.acknowledged.get(last["id"], "")):
                        self.acknowledged[last["id"]] = log
            except AWAY:
                pass
            self._over.wait(0.5)

    @contextmanager
    def going(self) -> Iterator[None]:
        worker = threading.Thread(target=self.work)
        worker.start()
        try:
            yield
        finally:
            self._over.set()
            worker.join()


def test_whatever_fails_every_job_ends_once_and_truly(stage: Scene) -> None:
    chance = random.Random(int(os.environ.get("CHAOS_SEED", "4")))
    stage.project("chaos", PIPELINE)
    faults, jobs = Faults(stage, chance), Jobs(stage)
    with jobs.going():
        until(lambda: any("line 2" in log for log in list(jobs.acknowledged.values())), "one talks")
        for name in faults.names():
            began = time.monotonic()
            faults.happen(name)
            print(f"{name}: {time.monotonic() - began:.0f} s, {len(jobs.runs)} jobs begun")
            time.sleep(2 + 4 * chance.random())
        jobs.enough.set()
        until(lambda: jobs.all_begun and not jobs.open(), "every run ends", WHOLE)
    # One may have begun just now.
    until(lambda: not jobs.open(), "the last run ends", WHOLE)
    _check(stage, jobs)


def _check(stage: Scene, jobs: Jobs) -> None:
    assert len(stage.machine.runs("chaos")) == len(jobs.runs) >= JOBS, "none lost, none doubled"
    repeated = 0
    for number, run in enumerate(jobs.runs):
        tries = stage.tries(run)
        repeated += len(tries) - 1
        ends = [each["state"] for each in tries]
        about = [(each["state"], each["reason"], each["message"]) for each in tries]
        wanted = "succeeded" if number % 3 else "failed"
        assert ends == ["errored"] * (len(ends) - 1) + [wanted], about
        assert _printed(stage.log(tries[-1])) == EXPECTED, "each byte of the log is there, once"
        for each in tries:
            known = jobs.acknowledged.get(each["id"], "")
            assert stage.log(each).startswith(known), "what was acknowledged stays"
    print(f"{len(jobs.runs)} jobs, {repeated} attempts repeated")


def _printed(log: str) -> str:
    return "".join(line for line in log.splitlines(keepends=True) if line.startswith("line "))
