"""What the worker's service account may do: pods and their Secrets of one namespace, no more.

The server and the runners have no account that may anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from steersman.cli.installing import parts
from steersman.cli.installing.parts import Object
from steersman.cli.installing.wishes import Wishes

_GROUP = "rbac.authorization.k8s.io"
_PODS = ["get", "list", "watch", "create", "delete"]
IN_JOBS: list[Object] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": _PODS},
    # An attempt's Secret is made before its pod and removed after it; nobody reads it but the node.
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "create", "delete"]},
    # Why a pod does not start, and the last words of one that never got so far.
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["list"]},
]
EVERYWHERE: list[Object] = [
    # How much room there is, and which nodes are sick.
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
]


def objects(wishes: Wishes) -> Iterator[Object]:
    """Yield the worker's rights and to whom they are given."""
    component = {"component": "worker"}
    account = {"kind": "ServiceAccount", "name": parts.WORKER, "namespace": wishes.namespace}
    role = parts.of(wishes, f"{_GROUP}/v1/Role", parts.WORKER, namespace=wishes.jobs, **component)
    yield {**role, "rules": IN_JOBS}
    yield {
        **parts.of(
            wishes, f"{_GROUP}/v1/RoleBinding", parts.WORKER, namespace=wishes.jobs, **component
        ),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": parts.WORKER},
        "subjects": [account],
    }
    # Two installations of one cluster are told apart by their namespaces.
    name = f"{wishes.namespace}:{parts.WORKER}"
    wide = parts.of(wishes, f"{_GROUP}/v1/ClusterRole", name, namespace=None, **component)
    yield {**wide, "rules": EVERYWHERE}
    yield {
        **parts.of(wishes, f"{_GROUP}/v1/ClusterRoleBinding", name, namespace=None, **component),
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
        "subjects": [account],
    }
