"""An installation on a volume (`--claim`): its one server is replaced, and has what it had."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from steersman.cli.install import made
from steersman.cli.installing import everything, secrets
from steersman.cli.installing.parts import Object
from steersman.cli.installing.wishes import NEWEST, Wishes, check
from steersman.cluster.kubernetes.containers import GROUP
from tests.deploy.test_known import path
from tests.deploy.test_readme_cluster import free_port, kubectl
from tests.kubernetes import clusters, platforms
from tests.platform.programs import until

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(300)]
DATABASE = "sqlite:////var/lib/steersman/steersman.db"
ASIDE = ("Namespace", "ClusterRole", "ClusterRoleBinding", "PodDisruptionBudget")
"""What is there already, is for all namespaces, or is of another version on older clusters."""


def put(each: Object) -> None:
    clusters.ask(lambda api: api.call("POST", path(each), each))


def volume(namespace: str) -> None:
    """Make a volume that is a folder of one node, and a claim to it."""
    nodes = clusters.ask(lambda api: api.call("GET", "/api/v1/nodes"))["items"]
    node = next(n["metadata"]["name"] for n in nodes if not n["spec"].get("taints"))
    folder = {"path": f"/tmp/{namespace}", "type": "DirectoryOrCreate"}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    size = {"storage": "1Gi"}
    shared = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    put({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace},
        "spec": {
            **shared, "capacity": size, "hostPath": folder,
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    })  # fmt: skip
    put({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": namespace},
        "spec": {**shared, "resources": {"requests": size}, "volumeName": namespace},
    })  # fmt: skip
    # Volumes of other kinds are given to the pod's group; a folder of a node is not.
    put({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "giver", "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "containers": [{
                "name": "giver", "image": clusters.IMAGE, "imagePullPolicy": "IfNotPresent",
                "command": ["chown", str(GROUP), "/data"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
        },
    })  # fmt: skip
    until(lambda: _phase(namespace, "giver") == "Succeeded", "the volume is ours")


def _phase(namespace: str, pod: str) -> str:
    where = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    return str(clusters.ask(lambda api: api.call("GET", where))["status"]["phase"])


def _leaving(pods: str) -> bool:
    found = clusters.ask(lambda api: api.call("GET", pods))["items"]
    return any(each["metadata"].get("deletionTimestamp") for each in found)


def install(wishes: Wishes) -> str:
    """Make what `steer install` makes for the server; return the token of the admin."""
    secret = made(wishes)
    database = {
        "apiVersion": "v1", "kind": "Secret", "stringData": {"url": DATABASE},
        "metadata": {"name": wishes.names.database, "namespace": wishes.namespace},
    }  # fmt: skip
    for each in (database, *secrets.objects(wishes, secret), *everything.objects(wishes)):
        if each["kind"] not in ASIDE:
            put(each)
    return secret.admin


@contextmanager
def served(namespace: str) -> Iterator[str]:
    """Wait for the server, and give an address at which it is reached."""
    port, program = free_port(), kubectl()
    at = ["-n", namespace]
    ready = ["rollout", "status", "deployment/steersman-server", "--timeout=120s"]
    subprocess.run([program, *at, *ready], check=True, capture_output=True)
    words = [program, *at, "port-forward", "service/steersman", f"{port}:80"]
    forwarding = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        forwarding.kill()
        forwarding.wait()


def answers(ask: Callable[[], httpx2.Response]) -> Any:
    """Return an answer, once somebody listens."""
    found: list[httpx2.Response] = []

    def asked() -> bool:
        try:
            found.append(ask())
        except httpx2.HTTPError:
            return False
        return True

    until(asked, "the server is reached")
    assert found[0].is_success, found[0].text
    return found[0].json()


def test_one_server_on_a_volume_is_replaced_and_has_what_it_had() -> None:
    project = {"name": "shop", "repository": "https://git.test/acme/shop.git"}
    with clusters.namespace() as ours, clusters.namespace() as jobs:
        wishes = Wishes(
            "http://ci.test", platforms.RUNNER_IMAGE, "0", ours, jobs, replicas=1, workers=0,
            claim="data", kubernetes=NEWEST, env={"STEERSMAN_ALLOW_HTTP": "1"},
        )  # fmt: skip
        try:
            volume(ours)
            headers = {"Authorization": f"Bearer {install(check(wishes))}"}
            with served(ours) as url:
                there = f"{url}/api/v1/projects"
                answers(lambda: httpx2.post(there, json=project, headers=headers))
            pods = f"/api/v1/namespaces/{ours}/pods"
            clusters.ask(lambda api: api.call("DELETE", pods))
            until(lambda: not _leaving(pods), "the first server is gone", 90)
            with served(ours) as url:
                known = answers(lambda: httpx2.get(f"{url}/api/v1/projects", headers=headers))
            assert [each["name"] for each in known["items"]] == ["shop"]
        finally:
            clusters.ask(lambda api: api.call("DELETE", f"/api/v1/persistentvolumes/{ours}"))
