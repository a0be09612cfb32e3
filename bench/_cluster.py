"""What the benchmarks of the cluster share: pods without us, and what is seen of all of them.

KUBECONFIG names the cluster, whose nodes have the images and reach this machine. Where its engines
are on this machine, `STEERSMAN_BENCH_ENGINES` may name their sockets, separated by commas: they
tell to the microsecond what a watch sees up to a second later.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.program import environment
from tests.kubernetes.platforms import POOLS, RUNNER_IMAGE, reached_at

from bench import _platform as platform
from bench._platform import CpuGroup, Started
from bench.measure import steer
from steersman.cluster.kubernetes.api import Api, connect
from steersman.core.errors import SteersmanError
from steersman.patience import patience

ENGINES = os.environ.get("STEERSMAN_BENCH_ENGINES", "")
BOX = os.environ.get("STEERSMAN_TEST_IMAGE", "busybox")
FILE = f"""\
box: {BOX}
nothing:
  steps:
    - script:
        name: nothing
        code: "true"
served:
  services:
    - name: one
      id: {BOX}
      cmd: sleep 3600
    - name: two
      id: {BOX}
      cmd: sleep 3600
  steps:
    - script:
        name: nothing
        code: "true"
"""
Moment = tuple[str, str, str]
"""The pod, its container (`""`: the pod itself) and what happened: made, placed, start,
die, failed, deleted."""


class Cluster:
    """A connection, in a thread of its own, that writes down what happens to pods, and when."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.api: Api = self.do(self._connected())
        self.watched: dict[Moment, float] = {}
        self.engines: dict[Moment, float] = {}
        self._events: list[subprocess.Popen[str]] = []

    async def _connected(self) -> Api:
        return connect(patience())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def call(self, method: str, path: str, body: object = None) -> Any:
        return self.do(self.api.call(method, path, body))

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """A namespace whose pods are watched; it goes without being waited for."""
        name = f"steer-bench-{uuid.uuid4().hex[:8]}"
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        watch = asyncio.run_coroutine_threadsafe(self._watch(name), self._loop)
        for engine in filter(None, ENGINES.split(",")):
            threading.Thread(target=self._listen, args=(engine,), daemon=True).start()
        try:
            yield name
        finally:
            watch.cancel()
            for each in self._events:
                each.terminate()
            now = {"gracePeriodSeconds": 0}
            with suppress(SteersmanError):  # a thousand of them take longer than we wait
                self.call("DELETE", f"/api/v1/namespaces/{name}/pods", now)
            self.call("DELETE", f"/api/v1/namespaces/{name}")

    async def _watch(self, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods"
        while True:
            with suppress(Exception):
                async with self.api.stream(path, {"watch": "true"}, 3600.0) as pieces:
                    rest = b""
                    async for piece in pieces:
                        *lines, rest = (rest + piece).split(b"\n")
                        now = time.time()
                        for line in lines:
                            self._see(json.loads(line), now)

    def _see(self, event: Mapping[str, Any], now: float) -> None:
        pod, status = event["object"]["metadata"]["name"], event["object"].get("status", {})
        self.watched.setdefault((pod, "", "made"), now)
        if event["object"].get("spec", {}).get("nodeName"):
            self.watched.setdefault((pod, "", "placed"), now)
        if event["type"] == "DELETED":
            self.watched.setdefault((pod, "", "deleted"), now)
        if status.get("phase") == "Failed":
            self.watched.setdefault((pod, "", "failed"), now)
        seen = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        for each in seen:
            if "terminated" in each["state"]:
                self.watched.setdefault((pod, each["name"], "die"), now)
            elif "running" in each["state"]:
                self.watched.setdefault((pod, each["name"], "start"), now)

    def _listen(self, engine: str) -> None:
        words = ["docker", "-H", f"unix://{engine}", "events", "--format", "{{json .}}"]
        filters = ["--filter", "type=container", "--filter", "event=start", "--filter", "event=die"]
        process = subprocess.Popen([*words, *filters], stdout=subprocess.PIPE, text=True)
        self._events.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            labels = said["Actor"]["Attributes"]
            pod = labels.get("io.kubernetes.pod.name", "")
            container = labels.get("io.kubernetes.container.name", "")
            self.engines.setdefault((pod, container, said["status"]), said["timeNano"] / 1e9)

    def when(self, pod: str, container: str, what: str) -> float:
        """Return when that happened, by the finest clock there is; 0.0 if it did not yet."""
        if ENGINES and container:
            return self.engines.get((pod, container, what), 0.0)
        return self.watched.get((pod, container, what), 0.0)

    def pods(self) -> set[str]:
        """Return the names of all pods that were ever seen."""
        return {pod for pod, _, _ in list(self.watched)}


def bare(name: str, services: int = 0, cpu: str = "10m") -> dict[str, Any]:
    """Return a pod as one would write it by hand, with the containers that ours has.

    They ask for as much of their node as ours do, too.
    """

    def container(called: str, image: str, *words: str) -> dict[str, Any]:
        memory, disk = ("64Mi", "256Mi") if called == "box" else ("128Mi", "512Mi")
        return {
            "name": called,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": list(words),
            "resources": {"requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": disk}},
        }

    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "initContainers": [container("prepare", RUNNER_IMAGE, "true")],
            "containers": [
                container("runner", RUNNER_IMAGE, "true"),
                container("box", BOX, "true"),
                *(container(f"svc-{at}", BOX, "sleep", "3600") for at in range(services)),
            ],
        },
    }


class Up(NamedTuple):
    """A server and a worker whose jobs are pods; *worker* is the control group of the latter."""

    server: Started
    worker: CpuGroup
    pid: int


@contextmanager
def up(folder: Path, namespace: str, pools: str = POOLS, slots: int = 100) -> Iterator[Up]:
    """Start both; the project `nothing` has the pipelines of `FILE`."""
    with platform.started(folder / "up", "server", host="0.0.0.0") as server:  # noqa: S104
        pools_file = folder / "pools.yaml"
        pools_file.write_text(pools)
        group = CpuGroup("worker")
        words = [
            *("worker", "run", "--server", f"http://127.0.0.1:{server.port}", "--name", "pods"),
            *("--on", "kubernetes", "--namespace", namespace, "--pools-file", str(pools_file)),
            *("--runner-url", f"http://{reached_at()}:{server.port}", "--slots", str(slots)),
            *("--image", RUNNER_IMAGE, "--data", str(folder / "worker")),
            *("--kubeconfig", os.environ["KUBECONFIG"]),
        ]
        env = environment(STEERSMAN_WORKER_TOKEN=server.worker_token())
        with (folder / "worker.log").open("wb") as out:
            process = subprocess.Popen(
                steer(*words), stdout=out, stderr=out, env=env, preexec_fn=group.join
            )
        try:
            repository = platform.repository(folder / "nothing", FILE)
            platform.add_project(server.api(), "nothing", repository)
            yield Up(server, group, process.pid)
        except BaseException:
            sys.stderr.write((folder / "worker.log").read_text()[-3000:])
            raise
        finally:
            process.terminate()
            process.wait(30)
            group.close()


def trigger(server: Started, pipeline: str) -> str:
    """Ask for a run of one pipeline and return the id of the trigger."""
    said = {"kind": "manual", "branch": "main", "target": pipeline}
    answer = server.api().call("POST", "/api/v1/projects/nothing/triggers", said)
    return str(answer["id"])


def attempt_of(server: Started, trigger_: str) -> tuple[str, str]:
    """Wait until a trigger has become a run with an attempt, and return both ids."""
    api = server.api()
    while True:
        for run in api.call("GET", f"/api/v1/triggers/{trigger_}")["runs"]:
            tries = api.call("GET", f"/api/v1/runs/{run['id']}")["jobs"][0]["attempts"]
            if tries:
                return run["id"], tries[0]["id"]
        time.sleep(0.01)


def tell(text: str) -> None:
    """Say how it goes: this takes minutes."""
    print(f"  load {os.getloadavg()[0]:.1f}: {text}", file=sys.stderr, flush=True)


def gone(cluster: Cluster, settle: float) -> None:
    """Wait until no pod is left, and *settle* seconds more for what nodes still clear away."""
    platform.until(
        lambda: all(cluster.when(pod, "", "deleted") for pod in cluster.pods()),
        "all pods gone",
        300,
        0.1,
    )
    time.sleep(settle)


def stages(cluster: Cluster, pod: str, marks: Sequence[tuple[str, str]]) -> list[float]:
    """Return the seconds between moments of a pod, from its creation."""
    times = [cluster.when(pod, "", "made"), *(cluster.when(pod, *mark) for mark in marks)]
    return [after - before for before, after in itertools.pairwise(times)]
