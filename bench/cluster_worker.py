"""One worker that holds a thousand pods: how fast it makes them, and what it costs at rest.

Where the cluster has hollow nodes (kubemark, labelled `hollow=true`) the pods get a place and run,
as far as anybody can tell. Elsewhere they are for nodes that are not there, so that they wait, the
scheduler tries them again and again, and says so: that is what a worker sees of a full cluster. The
server is a stand-in that grants what there is and notes when it is told of a loss.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.e2e.program import environment
from tests.kubernetes.platforms import RUNNER_IMAGE

from bench import _cluster as clusters
from bench import _platform as platform
from bench._cluster import Cluster
from bench._platform import CpuGroup, Row
from bench.measure import steer

PODS = 1000
QUICK_PODS = 60
REST = 60.0
QUICK_REST = 15.0
ENDINGS = 21
SETTLE = 20.0
POOLS = """\
default:
  resources:
    default: {cpu: 1m, memory: 4Mi, disk: "0"}
    max: {cpu: "2", memory: 1Gi, disk: 2Gi}
    service: {cpu: 1m, memory: 4Mi, disk: "0"}
    runner: {cpu: 1m, memory: 4Mi, disk: "0"}
"""
NOWHERE = "  node-selector: {bench: nowhere}\n"
HOLLOW = """\
  node-selector: {hollow: "true"}
  tolerations: [{key: hollow, operator: Exists}]
"""
BOX: dict[str, Any] = {
    "name": "box", "image": clusters.BOX, "env": {}, "secret_env": {}, "entrypoint": None,
    "cmd": None, "user": None, "ports": [],
}  # fmt: skip
WANTED = {
    "box": BOX, "services": [], "logins": [], "resources": {}, "docker": False, "avoid": [],
    "repeatable": True, "limit": 3600.0,
    "labels": {"project": "acme/shop", "run": "7", "job": "build"},
}  # fmt: skip


class StandIn:
    """A server for one worker, on a port of its own and in a thread of its own."""

    def __init__(self, attempts: list[str]) -> None:
        self.left = attempts
        self.reported: dict[str, float] = {}
        self.port = 0
        self._up = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._up.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await server.serve_forever()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = re.search(r"content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b"{}"
                answer = await self._answer(head.split()[1].rpartition("/")[2], json.loads(body))
                data = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, what: str, said: dict[str, Any]) -> dict[str, Any]:
        if what == "installation":
            return {"id": "bench"}
        if what == "lease":
            if not self.left:
                await asyncio.sleep(said["wait"])
            taken = [self.left.pop() for _ in range(min(said["take"], len(self.left)))]
            return {"granted": [_grant(each) for each in taken]}
        if what == "renew":
            return {"stop": [], "gone": [], "others": [], "adopted": []}
        self.reported[said["attempt"]] = time.time()
        return {"hearing": "news"}


def _grant(attempt: str) -> dict[str, Any]:
    return {
        "attempt": attempt, "lease": 1, "token": f"token of {attempt}", "project": "p", "run": "r",
        "job": "build", "number": 1, "pool": "default", "adopted": False, "cancelled": False,
        "wanted": WANTED,
    }  # fmt: skip


def refused(cluster: Cluster) -> int:
    """Return how often the API server has answered 429 since it started."""
    text = cluster.do(cluster.api.text("/metrics", {}, 30.0))
    found = re.findall(r'^apiserver_request_total\{[^}]*code="429"[^}]*\} (\S+)$', text, re.M)
    return int(sum(map(float, found)))


def hollow(cluster: Cluster) -> bool:
    """Tell whether the cluster has nodes that only pretend to run pods."""
    by = "/api/v1/nodes?labelSelector=hollow%3Dtrue"
    return bool(cluster.call("GET", by)["items"])


def latency(cluster: Cluster, stand_in: StandIn, namespace: str, attempts: list[str]) -> float:
    """Return the median of seconds from an event of the watch to the server being told."""
    found = []
    for attempt in attempts:
        pod = f"steer-{attempt}"
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
        platform.until(lambda a=attempt: a in stand_in.reported, "the loss is told", pause=0.02)  # type: ignore[misc]
        platform.until(lambda p=pod: cluster.when(p, "", "deleted"), "the watch saw it")  # type: ignore[misc]
        found.append(stand_in.reported[attempt] - cluster.when(pod, "", "deleted"))
    return platform.median(found)


def placed(cluster: Cluster) -> int:
    """Say how many pods have a node."""
    return sum(bool(cluster.when(pod, "", "placed")) for pod in cluster.pods())


def measure(cluster: Cluster, folder: Path, count: int, rest: float) -> list[Row]:
    """Start a worker, let it make all pods, and look at it while it rests."""
    attempts = [f"bench{number:05d}" for number in range(count)]
    stand_in = StandIn(list(attempts))
    real = hollow(cluster)
    (folder / "pools.yaml").write_text(POOLS + (HOLLOW if real else NOWHERE))
    group = CpuGroup("worker")
    with cluster.namespace() as namespace:
        words = [
            *("worker", "run", "--server", f"http://127.0.0.1:{stand_in.port}", "--name", "bench"),
            *("--on", "kubernetes", "--namespace", namespace, "--slots", str(count)),
            *("--pools-file", str(folder / "pools.yaml"), "--surplus", str(2 * count)),
            *("--runner-url", "http://127.0.0.1:1", "--image", RUNNER_IMAGE),
            *("--data", str(folder / "worker"), "--kubeconfig", os.environ["KUBECONFIG"]),
        ]
        env = environment(STEERSMAN_WORKER_TOKEN="none")  # noqa: S106
        before = refused(cluster)
        with (folder / "worker.log").open("wb") as out:
            process = subprocess.Popen(
                steer(*words), stdout=out, stderr=out, env=env, preexec_fn=group.join
            )
        try:
            platform.until(lambda: len(cluster.pods()) >= count, "all pods are made", 900, 0.1)
            made = sorted(cluster.when(pod, "", "made") for pod in cluster.pods())
            busy = group.seconds()
            if real:
                platform.until(lambda: placed(cluster) >= count, "all have a node", 900, 0.5)
                found = [cluster.when(pod, "", "placed") for pod in cluster.pods()]
                clusters.tell(f"all placed {max(found) - made[-1]:.1f} s after the last was made")
            time.sleep(SETTLE)
            used, resident = group.seconds(), []
            until = time.monotonic() + rest
            while time.monotonic() < until:
                resident.append(platform.memory(process.pid))
                time.sleep(1)
            cores = (group.seconds() - used) / rest
            heard = latency(cluster, stand_in, namespace, attempts[:ENDINGS])
            most = platform.memory(process.pid, "VmHWM")
            storms = refused(cluster) - before
        finally:
            process.terminate()
            process.wait(30)
            group.close()
    rate = (count - 1) / (made[-1] - made[0])
    return [
        (f"a worker makes {count} pods: pods/s", f"{rate:.1f}", "at least 15"),
        ("answers 429 meanwhile", str(storms), "0"),
        ("its CPU for each", f"{busy / count * 1000:.0f} ms", ""),
        (f"{count} pods at rest: share of a core", f"{cores * 100:.1f} %", "10 %"),
        ("memory at rest, and the most", f"{platform.median(resident):.0f}, {most:.0f} MiB", "150"),
        ("event of the watch to the report of a loss", f"{heard * 1000:.0f} ms", "100 ms"),
    ]


def main(quick: bool = False) -> list[Row]:  # noqa: FBT001, FBT002 - the flag of the command
    """Measure and return rows of (what, figure, goal)."""
    with platform.scratch() as folder:
        count, rest = (QUICK_PODS, QUICK_REST) if quick else (PODS, REST)
        return measure(Cluster(), folder, count, rest)


if __name__ == "__main__":
    platform.show(main)
