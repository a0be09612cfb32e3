"""What several objects share: labels, the safety of our pods, references to Secrets."""

from __future__ import annotations

from typing import Any

from steersman.cli.installing.wishes import Wishes

Object = dict[str, Any]
NAME = "steersman"
SERVER, WORKER, RUNNERS = f"{NAME}-server", f"{NAME}-worker", f"{NAME}-runners"
USER = 65532
HTTP, TLS = 8080, 8443
OWN = "steersman.dev"
ROLE = f"{OWN}/role"
"""A label of the two namespaces, by which network policies tell them apart on any version."""
UNPRIVILEGED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def labels(wishes: Wishes, component: str = "") -> dict[str, str]:
    """Return the usual labels."""
    return {
        **selector(component),
        "app.kubernetes.io/version": wishes.version,
        "app.kubernetes.io/part-of": NAME,
        "app.kubernetes.io/managed-by": "steer",
    }


def selector(component: str = "") -> dict[str, str]:
    """Return the labels that find our pods; they stay the same from version to version."""
    found = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": NAME}
    return {**found, "app.kubernetes.io/component": component} if component else found


def of(
    wishes: Wishes, kind: str, name: str, *, component: str = "", namespace: str | None = ""
) -> Object:
    """Return the beginning of an object; without a namespace it stands in ours, None is in none."""
    group, _, just = kind.rpartition("/")
    place = {} if namespace is None else {"namespace": namespace or wishes.namespace}
    metadata = {"name": name, **place, "labels": labels(wishes, component)}
    return {"apiVersion": group, "kind": just, "metadata": metadata}


def deployment(
    wishes: Wishes, component: str, replicas: int, container: Object, pod: Object
) -> Object:
    """Return a Deployment of pods that may nothing but what they must."""
    shared = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "enableServiceLinks": False,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(component)},
            }
        ],
    }
    if wishes.pull_secrets:
        shared["imagePullSecrets"] = [{"name": each} for each in wishes.pull_secrets]
    held = {
        "name": component,
        "image": wishes.image,
        "imagePullPolicy": wishes.pull,
        "securityContext": UNPRIVILEGED,
        **container,
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": selector(component)},
        "template": {
            "metadata": {"labels": labels(wishes, component)},
            "spec": {**shared, **pod, "containers": [held]},
        },
    }
    return {
        **of(wishes, "apps/v1/Deployment", f"{NAME}-{component}", component=component),
        "spec": spec,
    }


def from_secret(variable: str, secret: str, key: str, *, optional: bool = False) -> Object:
    """Return a variable whose value stands in a Secret."""
    source = {"name": secret, "key": key, **({"optional": True} if optional else {})}
    return {"name": variable, "valueFrom": {"secretKeyRef": source}}


def disruption_budget(wishes: Wishes, component: str) -> Object:
    """Return a budget: of those that do the same, one at a time goes by intent."""
    group = "policy/v1" if wishes.kubernetes >= (1, 21) else "policy/v1beta1"
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(component)}}
    kind = f"{group}/PodDisruptionBudget"
    return {**of(wishes, kind, f"{NAME}-{component}", component=component), "spec": spec}
