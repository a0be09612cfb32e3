"""A whole platform: a server and a worker on this machine, whose jobs are pods of the cluster."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kubernetes import clusters
from tests.platform.programs import Ended, Machine, Program, machine, until

RUNNER_IMAGE = os.environ.get("STEERSMAN_TEST_RUNNER_IMAGE", "steersman:local")
"""Our image, made of this checkout, which the nodes have."""
POOLS = """\
default:
  pull: IfNotPresent
  resources:
    default: {cpu: 10m, memory: 64Mi, disk: 256Mi}
    max: {cpu: "2", memory: 1Gi, disk: 2Gi}
    service: {cpu: 10m, memory: 128Mi, disk: 256Mi}
    runner: {cpu: 10m, memory: 128Mi, disk: 512Mi}
"""


def reached_at() -> str:
    """Return the address of this machine that pods can reach."""
    if given := os.environ.get("STEERSMAN_TEST_ADDRESS"):
        return given
    nodes = clusters.ask(lambda api: api.call("GET", "/api/v1/nodes"))["items"]
    addresses = (each for node in nodes for each in node["status"]["addresses"])
    address = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
        looking.connect((address, 9))
        return str(looking.getsockname()[0])


class Platform:
    """The two programs; `run` is what a person does, and sees in the end."""

    def __init__(self, found: Machine, namespace: str, pools: str = POOLS) -> None:
        self.machine = found
        self.namespace = namespace
        self.address = reached_at()
        pools_file = found.folder / "pools.yaml"
        pools_file.write_text(pools)
        token = found.call("POST", "/api/v1/workers/tokens/pods", None)["token"]
        self.worker = Program(
            [
                *("worker", "run", "--server", found.url, "--name", "pods", "--on", "kubernetes"),
                *("--namespace", namespace, "--pools-file", str(pools_file)),
                *("--runner-url", f"http://{self.address}:{found.port}"),
                *("--image", RUNNER_IMAGE, "--data", str(found.folder / "worker")),
                *("--kubeconfig", str(clusters.required())),
            ],
            found.folder / "worker.log",
            STEERSMAN_WORKER_TOKEN=token,
        )

    def run(self, project: str, seconds: float = 110, **request: Any) -> dict[str, Any]:
        """Trigger a run, and return it once it has ended."""
        before = {each["id"] for each in self.machine.runs(project)}
        self.machine.trigger(project, **request)

        def ended() -> list[str]:
            runs = [each for each in self.machine.runs(project) if each["id"] not in before]
            return [each["id"] for each in runs if each["state"] in Ended]

        until(lambda: ended() or self._dead(), f"a run of {project} ends", seconds, 0.5)
        assert not self._dead(), self.worker.text
        return self.machine.run(ended()[0])

    def _dead(self) -> bool:
        process = self.worker.process
        return process is not None and process.poll() is not None


@contextmanager
def platform(folder: Path, pools: str = POOLS) -> Iterator[Platform]:
    """Let a platform live for a while, in a namespace of its own."""
    # Pods are other machines to the server.
    with clusters.namespace() as namespace, machine(folder, host="0.0.0.0") as found:  # noqa: S104
        found.start()
        platform = Platform(found, namespace, pools)
        platform.worker.start()
        try:
            yield platform
        finally:
            platform.worker.kill()
