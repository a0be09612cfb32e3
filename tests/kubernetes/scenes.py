"""Jobs in pods while something is wrong: what tests of faults do, and look at in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from steersman.cluster.kubernetes import names, parts
from steersman.core.errors import SteersmanError
from tests.kubernetes import clusters
from tests.kubernetes.labs import Lab
from tests.kubernetes.platforms import POOLS, Platform, platform
from tests.platform.programs import Ended, Machine, repository, until

PATIENCE = 240.0
EVERY = 0.5
"""Seconds between two looks: whoever looks all the time keeps a small machine busy."""
Object = dict[str, Any]


class Scene:
    """A platform on two nodes, of which each has a pool of its own, too."""

    def __init__(self, found: Platform, folder: Path, nodes: list[str], lab: Lab) -> None:
        self.platform = found
        self.machine: Machine = found.machine
        self.nodes = nodes
        self.lab = lab
        self._folder = folder
        self._path = f"/api/v1/namespaces/{found.namespace}"

    def project(self, name: str, text: str, pool: str = "default") -> None:
        """Let there be a project whose jobs run in *pool*."""
        tree = repository(self._folder / name, {"wercker.yml": text})
        settings = {"pool": pool}
        said = {"name": name, "repository": str(tree), "settings": settings}
        self.machine.call("POST", "/api/v1/projects", said)

    def begin(self, project: str, key: str = "", **variables: str) -> str:
        """Let a job run, and return its run."""
        asked = self.machine.trigger(project, key, branch="main", variables=variables)
        until(lambda: self._runs(asked), f"a trigger of {project} is planned", PATIENCE)
        [run] = self._runs(asked)
        return run

    def _runs(self, trigger: str) -> list[str]:
        return [
            run["id"] for run in self.machine.call("GET", f"/api/v1/triggers/{trigger}")["runs"]
        ]

    def tries(self, run: str) -> list[Object]:
        """Return the attempts of the one job of a run."""
        [job] = self.machine.run(run)["jobs"]
        found: list[Object] = job["attempts"]
        return found

    def last(self, run: str) -> Object:
        """Return the newest attempt."""
        return self.tries(run)[-1]

    def log(self, attempt: Object) -> str:
        """Return what an attempt printed, and what we say of it."""
        return self.machine.log(attempt["id"]).decode(errors="replace")

    def talks(self, run: str, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the newest attempt has printed a text."""
        until(lambda: text in self.log(self.last(run)), f"{run} says {text!r}", seconds, EVERY)

    def over(self, run: str, seconds: float = PATIENCE) -> list[Object]:
        """Return the attempts of a run once it has ended."""
        until(lambda: self.machine.run(run)["state"] in Ended, f"{run} ends", seconds, EVERY)
        return self.tries(run)

    def pod(self, attempt: Object) -> Object | None:
        """Return the pod of an attempt, while there is one."""
        label = f"{names.ATTEMPT}={attempt['id']}"
        found = [each for each in self.all("pods") if label in _labels(each)]
        return found[0] if found else None

    def runner_ended(self, attempt: Object) -> bool:
        """Tell whether the runner of an attempt is no more."""
        pod = self.pod(attempt)
        return pod is None or parts.state(pod, names.RUNNER) not in ("running", "waiting")

    def node(self, run: str) -> str:
        """Wait for the pod of the newest attempt to have a node."""

        def on() -> str:
            pod = self.pod(self.last(run))
            return str((pod or {}).get("spec", {}).get("nodeName") or "")

        until(on, f"the pod of {run} is given to a node", PATIENCE)
        return on()

    def all(self, kind: str) -> list[Object]:
        """Return what there is of a kind in the namespace of the jobs, of ours."""
        by = {"labelSelector": names.SELECTOR}
        said = clusters.ask(lambda api: api.call("GET", f"{self._path}/{kind}", None, by))
        found: list[Object] = said["items"]
        return found

    def delete(self, pod: Object, grace: int) -> None:
        path = f"{self._path}/pods/{pod['metadata']['name']}"
        body = {"gracePeriodSeconds": grace}
        clusters.ask(lambda api: api.call("DELETE", path, body))

    def evict(self, pod: Object) -> None:
        """Do what `kubectl drain` does to each pod."""
        name = pod["metadata"]["name"]
        body = {
            "apiVersion": "policy/v1beta1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self.platform.namespace},
        }
        try:
            clusters.ask(lambda api: api.call("POST", f"{self._path}/pods/{name}/eviction", body))
        except SteersmanError:
            # From 1.25 on only the newer version is known.
            newer = {**body, "apiVersion": "policy/v1"}
            clusters.ask(lambda api: api.call("POST", f"{self._path}/pods/{name}/eviction", newer))

    @contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """Let a node take no new pods for a while."""
        try:
            _cordon(node, to=True)
            yield
        finally:
            _cordon(node, to=False)

    def granted(self, attempt: Object) -> datetime:
        """Return when the worker was given an attempt, by its own log."""
        found = re.search(
            rf"(\S+ \S+) .*attempt_granted: {attempt['id']}", self.platform.worker.text
        )
        assert found, attempt
        return datetime.fromisoformat(found[1])

    def nothing_left(self, seconds: float = PATIENCE) -> None:
        """Wait until no pod and no Secret of a job is there any more."""

        def left() -> list[str]:
            try:
                return [each["metadata"]["name"] for kind in KINDS for each in self.all(kind)]
            except SteersmanError:
                return ["who knows"]

        until(lambda: not left(), "nothing is left behind", seconds, EVERY)


KINDS = ("pods", "secrets")


def _labels(pod: Object) -> list[str]:
    return [f"{key}={value}" for key, value in pod["metadata"]["labels"].items()]


def _cordon(node: str, *, to: bool) -> None:
    body = {"spec": {"unschedulable": to or None}}
    clusters.ask(lambda api: api.call("PATCH", f"/api/v1/nodes/{node}", body))


def healthy_nodes() -> list[str]:
    """Return the nodes that run pods, all of them real ones."""
    nodes = clusters.ask(lambda api: api.call("GET", "/api/v1/nodes"))["items"]
    return sorted(
        each["metadata"]["name"]
        for each in nodes
        if not each["spec"].get("unschedulable") and not each["spec"].get("taints")
    )


def pools(nodes: list[str], lab: Lab) -> str:
    """Return the pools: any node, one for each, and one that must have its images.

    The last of those for one node hands out its engine.
    """
    inside = POOLS.partition("\n")[2]
    found = [POOLS]
    for number, node in enumerate(nodes, 1):
        found.append(
            f"only-{number}:\n  node-selector: {{kubernetes.io/hostname: {node}}}\n{inside}"
        )
    found[-1] += f"  docker: {lab.engine(nodes[-1])}\n"
    found.append("never:\n" + inside.replace("pull: IfNotPresent", "pull: Never"))
    return "".join(found)


@contextmanager
def scene(folder: Path, lab: Lab) -> Iterator[Scene]:
    """Let a platform live for a while that is about to see bad things."""
    clusters.required()
    until(lambda: len(healthy_nodes()) >= 2, "two nodes are well", PATIENCE)
    nodes = healthy_nodes()[:2]
    (folder / "platform").mkdir()
    with platform(folder / "platform", pools(nodes, lab)) as found:
        yield Scene(found, folder, nodes, lab)


AWAY = (httpx2.HTTPError, AssertionError)
"""What asking a server raises that is killed just now."""
