"""The objects of one attempt, as plain dictionaries: its pod and its Secret.

Nothing that is secret stands in the pod: it is in the Secret, which our own containers mount and a
service's variables refer to. Kubernetes replaces `$(NAME)` in commands and variables, so that every
dollar is written twice.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import containers, names
from steersman.cluster.kubernetes.containers import GROUP, Ours
from steersman.cluster.kubernetes.pools import Amounts, Pool, share
from steersman.core.errors import Refused, UserError

Manifest = dict[str, Any]
GRACE = 30
"""Seconds the containers of a pod have to end once they are told."""
LIMIT = 6 * 3600.0
AFTER = 3 * 3600.0
"""Seconds a pod may go on after its job: after-steps, uploads, a box that is held for a shell."""
SPEC = "spec.json"
LOGINS = ".dockerconfigjson"
KEPT = {
    # Autoscalers leave a node alone on which a job runs.
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


class Avoided(NamedTuple):
    """Nodes to stay away from; not *strictly* where there would be no others."""

    nodes: tuple[str, ...] = ()
    strictly: bool = True


def wanted(spec: RunnerSpec) -> Mapping[str, Any]:
    """Return what the pod is to hold."""
    if spec.wanted is None:
        what = f"the server did not say what the pod of {spec.attempt} is to hold"
        raise Refused(what, hint="is the server older than this worker?")
    return spec.wanted


def pod(spec: RunnerSpec, pool: Pool, ours: Ours, avoided: Avoided | None = None) -> Manifest:
    """Return the pod of an attempt; `UserError` for what a pod of this pool cannot hold."""
    said = wanted(spec)
    if said["docker"] and not pool.docker:
        raise UserError(
            f"`docker: true` is not allowed in the pool {pool.name}",
            hint="use a pool whose settings say `docker: true`, or build without an engine",
        )
    boxed = share(pool, said["resources"])
    services = list(said["services"])
    limit = LIMIT if said["limit"] is None else float(said["limit"])
    inside: Manifest = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(min(limit, 30 * 86400.0) + AFTER),
        "terminationGracePeriodSeconds": GRACE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "shareProcessNamespace": False,
        "securityContext": {"fsGroup": GROUP, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": _volumes(spec, pool, boxed, docker=said["docker"]),
        "initContainers": [containers.prepare(ours, pool)],
        "containers": [
            containers.runner(ours, pool),
            containers.box(said["box"], pool, boxed, docker=said["docker"]),
            *(containers.service(at, each, pool, _secret_keys(at, each, spec))
              for at, each in enumerate(services)),
        ],
        **_placing(pool, avoided or Avoided(tuple(said["avoid"]))),
    }  # fmt: skip
    if services:
        inside["hostAliases"] = [{"ip": "127.0.0.1", "hostnames": containers.hosts(services)}]
    pulling = [{"name": each} for each in pool.pull_secrets]
    if said["logins"]:
        pulling.insert(0, {"name": names.named(spec.attempt)})
    if pulling:
        inside["imagePullSecrets"] = pulling
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(spec, pool, said, services),
        "spec": inside,
    }


def _metadata(
    spec: RunnerSpec, pool: Pool, said: Mapping[str, Any], services: Sequence[Mapping[str, Any]]
) -> Manifest:
    told = {f"{names.OWN}/{key}": str(value) for key, value in said["labels"].items()}
    aliases = {names.SERVICES: json.dumps([each["name"] for each in services])}
    trusted = {names.TRUSTED: "true" if pool.trusted else "false"}
    return {
        "name": names.named(spec.attempt),
        "labels": {**pool.labels, **labels(spec), **trusted},
        "annotations": {**pool.annotations, **told, **aliases, **KEPT},
    }


def labels(spec: RunnerSpec) -> dict[str, str]:
    """Return the labels by which everything of an attempt is found."""
    pool = names.label(spec.pool)
    return {
        names.MANAGED: names.MANAGER,
        names.ATTEMPT: spec.attempt,
        **({names.POOL: pool} if pool else {}),
    }


def _volumes(spec: RunnerSpec, pool: Pool, boxed: Amounts, *, docker: bool) -> list[Manifest]:
    order = {
        "secretName": names.named(spec.attempt),
        "defaultMode": 0o440,
        "items": [{"key": SPEC, "path": SPEC}],
    }
    volumes: list[Manifest] = [
        {"name": "session", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "work", "emptyDir": {"sizeLimit": boxed.disk}},
        {"name": "given", "emptyDir": {"sizeLimit": boxed.disk}},
        {"name": "spool", "emptyDir": {"sizeLimit": pool.runner.disk}},
        {"name": "order", "secret": order},
    ]
    if docker:
        volumes.append({"name": "docker", "hostPath": {"path": pool.docker, "type": "Socket"}})
    return volumes


def _placing(pool: Pool, avoided: Avoided) -> Manifest:
    """Say where a pod may run.

    It stays on a node that is not ready or not reachable for as long as that lasts: only the
    runner's silence says that the job is lost.
    """
    stays = [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute"}
        for what in ("not-ready", "unreachable")
    ]
    optional = {
        "nodeSelector": dict(pool.node_selector),
        "runtimeClassName": pool.runtime_class,
        "priorityClassName": pool.priority_class,
        "schedulerName": pool.scheduler,
        "affinity": _affinity(avoided),
    }
    placing: Manifest = {"tolerations": [*map(dict, pool.tolerations), *stays]}
    placing |= {key: value for key, value in optional.items() if value}
    if pool.host_users is not None:
        placing["hostUsers"] = pool.host_users
    return placing


def _affinity(avoided: Avoided) -> Manifest:
    if not avoided.nodes:
        return {}
    # A field takes one value at a time; of labels none is sure to be the node's name.
    term = {
        "matchFields": [
            {"key": "metadata.name", "operator": "NotIn", "values": [each]}
            for each in sorted(set(avoided.nodes))
        ]
    }
    if avoided.strictly:
        kind, terms = "required", {"nodeSelectorTerms": [term]}
        return {"nodeAffinity": {f"{kind}DuringSchedulingIgnoredDuringExecution": terms}}
    weighed = [{"weight": 100, "preference": term}]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": weighed}}


def secret(spec: RunnerSpec) -> Manifest:
    """Return the Secret of an attempt: the runner's order, hidden variables, logins."""
    said = wanted(spec)
    data = {SPEC: order(spec)}
    for at, each in enumerate(said["services"]):
        keys = _secret_keys(at, each, spec)
        data |= {keys[name][1]: value for name, value in each["secret_env"].items()}
    if said["logins"]:
        data[LOGINS] = _docker_config(said["logins"])
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson" if said["logins"] else "Opaque",
        # Kubelets watch what may change, one watch for each.
        "immutable": True,
        "metadata": {"name": names.named(spec.attempt), "labels": labels(spec)},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def order(spec: RunnerSpec) -> str:
    """Return what the runner reads: its spec, and of the pod only what it has to know."""
    said = wanted(spec)
    services = [{"name": each["name"], "ports": each["ports"]} for each in said["services"]]
    told = {"services": services, "docker": said["docker"]}
    return json.dumps({**spec._asdict(), "settings": dict(spec.settings), "wanted": told})


def _secret_keys(
    at: int, service: Mapping[str, Any], spec: RunnerSpec
) -> dict[str, tuple[str, str]]:
    """Return where in which Secret each hidden variable of a service stands."""
    secret = names.named(spec.attempt)
    return {
        name: (secret, f"{names.SERVICE}{at}.{number}")
        for number, name in enumerate(sorted(service["secret_env"]))
    }


def _docker_config(logins: Iterable[Mapping[str, str]]) -> str:
    return json.dumps({"auths": dict(_auths(logins))})


def _auths(logins: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    for each in logins:
        both = f"{each['username']}:{each['password']}"
        auth = base64.b64encode(both.encode()).decode()
        keys = {"username": each["username"], "password": each["password"], "auth": auth}
        yield each["registry"], keys
        if each["registry"] in ("docker.io", "registry-1.docker.io", "index.docker.io"):
            # Kubelets look for Docker Hub under its oldest name.
            yield "https://index.docker.io/v1/", keys
