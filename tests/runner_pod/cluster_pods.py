"""Pods of a real cluster, made by the manifests of its door; a test looks after each itself."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import manifests, names
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.containers import Ours
from steersman.cluster.kubernetes.pools import Amounts, Pool
from steersman.core.errors import NotFound
from tests.kubernetes import clusters

T = TypeVar("T")
OURS = os.environ.get("STEERSMAN_TEST_RUNNER_IMAGE", "steersman:local")
"""The image of this checkout, which the nodes have."""
SMALL = Amounts("10m", "128Mi", "256Mi")
POOL = Pool("default", SMALL, Amounts("2", "1Gi", "2Gi"), SMALL, Amounts("10m", "256Mi", "1Gi"))


class Cluster:
    """One namespace, asked by one connection from whatever thread."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._api: Api = self._do(self._connected())

    async def _connected(self) -> Api:
        return clusters.api()

    def _do(self, work: Awaitable[T]) -> T:
        async def whole() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(whole(), self._loop).result(60)

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask below the namespace."""
        whole = f"/api/v1/namespaces/{self.namespace}/{path}"
        return self._do(self._api.call(method, whole, body))

    def reached_at(self) -> str:
        """Return the address of this machine that nodes can reach."""
        if given := os.environ.get("STEERSMAN_TEST_ADDRESS"):
            return given
        nodes = self._do(self._api.call("GET", "/api/v1/nodes"))["items"]
        addresses = (each for node in nodes for each in node["status"]["addresses"])
        address = next(each["address"] for each in addresses if each["type"] == "InternalIP")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
            looking.connect((address, 9))
            return str(looking.getsockname()[0])

    def close(self) -> None:
        self._do(self._api.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ClusterPod:
    """One pod. *changes* go into its specification."""

    def __init__(self, cluster: Cluster, order: Mapping[str, Any], pool: Pool = POOL) -> None:
        self.cluster = cluster
        self.spec = RunnerSpec(**order)
        self.name = names.named(self.spec.attempt)
        self.pool = pool

    def start(self) -> None:
        """Make the Secret and the pod."""
        self.cluster.call("POST", "secrets", manifests.secret(self.spec))
        self.cluster.call("POST", "pods", manifests.pod(self.spec, self.pool, Ours(OURS)))

    def seen(self) -> dict[str, Any]:
        """Return the pod as it is."""
        return self.cluster.call("GET", f"pods/{self.name}")

    def container(self, name: str) -> dict[str, Any]:
        """Return the state of a container: empty before it has one."""
        status = self.seen()["status"]
        both = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        found: dict[str, Any] = next((each["state"] for each in both if each["name"] == name), {})
        return found

    def until(self, name: str, state: str = "terminated", seconds: float = 100) -> dict[str, Any]:
        """Wait until a container is in *state*."""
        deadline = time.monotonic() + seconds
        while state not in (found := self.container(name)):
            assert time.monotonic() < deadline, (name, self.seen()["status"])
            time.sleep(0.2)
        return dict(found[state])

    def close(self) -> None:
        """Remove it, and wait for nothing."""
        for path in (f"pods/{self.name}", f"secrets/{self.name}"):
            try:
                self.cluster.call("DELETE", path, {"gracePeriodSeconds": 0})
            except NotFound:
                continue
