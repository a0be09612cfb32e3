"""The cluster of the tests: whatever KUBECONFIG names, and namespaces of our own in it."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from steersman.cluster.base import Cluster, Seen
from steersman.cluster.kubernetes.api import Api, connect
from steersman.cluster.kubernetes.containers import Ours
from steersman.cluster.kubernetes.door import KubernetesCluster, Where
from steersman.cluster.kubernetes.pools import Amounts, Pool
from steersman.core.errors import SteersmanError
from steersman.core.runners import Stage
from steersman.patience import patience

IMAGE = os.environ.get("STEERSMAN_TEST_IMAGE", "busybox")
"""An image with a shell that the nodes have, or can fetch."""
SMALL = Amounts("10m", "64Mi", "64Mi")
POOL = Pool("default", SMALL, Amounts("2", "1Gi", "2Gi"), SMALL, SMALL)
WAITS = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")
PREFIX = "steer-test-"
INSTALLATION = "tests"


def kubeconfig() -> Path | None:
    """Return the kubeconfig of the tests; None where none is named."""
    name = os.environ.get("KUBECONFIG", "")
    return Path(name) if name and Path(name).is_file() else None


def required() -> Path:
    """Return the kubeconfig; skip without a cluster that answers, but fail in CI."""
    found = kubeconfig()
    what = "KUBECONFIG names no cluster"
    if found is not None:
        try:
            ask(lambda api: api.call("GET", "/version"))
        except SteersmanError as error:
            what = f"no cluster answers: {error}"
        else:
            return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and this is CI")
    pytest.skip(what)


def api() -> Api:
    """Return a connection to the cluster."""
    return connect(patience(), kubeconfig())


def ask(work: Callable[[Api], Awaitable[Any]]) -> Any:
    """Do *work* with a connection of its own."""

    async def whole() -> Any:
        mine = api()
        try:
            return await work(mine)
        finally:
            await mine.close()

    return asyncio.run(whole())


def api_address() -> str:
    """Return where the API server is."""

    async def address(api: Api) -> str:
        return api.address

    return str(ask(address))


@contextmanager
def namespace() -> Iterator[str]:
    """A namespace for the time of a test; it is deleted without waiting for its end."""
    required()
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    made = {"metadata": {"name": name, "labels": {"steersman.dev/test": "true"}}}
    ask(lambda api: api.call("POST", "/api/v1/namespaces", made))
    try:
        yield name
    finally:
        ask(lambda api: api.call("DELETE", f"/api/v1/namespaces/{name}"))


def cluster(
    namespace: str,
    run: tuple[str, ...] = WAITS,
    prepare: tuple[str, ...] = ("true",),
    installation: str = INSTALLATION,
    **pool: Any,
) -> KubernetesCluster:
    """Return a door to the cluster whose runners are shells that do as they are told."""
    known = {"default": POOL._replace(**pool)}
    where = Where(namespace, installation, known, Ours(IMAGE, prepare, run))
    return KubernetesCluster(api(), where, patience())


async def up(cluster: Cluster, attempt: str) -> Seen:
    """Wait until a runner runs, and everything beside it."""
    while True:
        seen = {each.attempt: each for each in await cluster.runners()}.get(attempt)
        if seen is not None and seen.stage is Stage.RUNNING and not seen.notes:
            return seen
        await cluster.changed(5.0)


def wanted(image: str = IMAGE, **more: Any) -> dict[str, Any]:
    """What a pod is to hold, as the server says it: a box that waits."""
    box: dict[str, Any] = {
        "name": "box", "image": image, "env": {}, "secret_env": {},
        "entrypoint": ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"],
        "cmd": None, "user": None, "ports": [],
    }  # fmt: skip
    said: dict[str, Any] = {
        "box": {**box, **more.pop("box", {})}, "services": [], "logins": [], "resources": {},
        "docker": False, "avoid": [], "repeatable": True, "limit": 600.0,
        "labels": {"project": "acme/shop", "run": "7", "job": "build"},
    }  # fmt: skip
    return {**said, **more}


def service(name: str, image: str = IMAGE, **more: Any) -> dict[str, Any]:
    """A service of a pod."""
    said: dict[str, Any] = {
        "name": name, "image": image, "env": {}, "secret_env": {},
        "entrypoint": ["sh", "-c", "sleep 3600"], "cmd": None, "user": None, "ports": [],
    }  # fmt: skip
    return {**said, **more}
