"""How many more pods could begin just now: by the namespace's quota, and by what nodes have left.

Only our own pods are known: where others use the nodes too, this is too many, until the first of
ours waits for a place. Then none is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from steersman.cluster.kubernetes import quantities
from steersman.cluster.kubernetes.pools import Pool

Object = Mapping[str, Any]
STARTS, FEWEST_STARTS = 1, 2
"""How many pods a node may have to start at once: for each of its processors, and at least.

An engine spends a second or more of CPU on each. Measured on two nodes with two processors, 100
jobs, after bare pods: 169 to 179 s with 2 or 3 at once on each, 196 with 4; with 2 and nothing
before them 152; with 24 an engine hung for good.
"""
NOTHING: Mapping[str, Decimal] = MappingProxyType({})
KINDS = ("cpu", "memory", "ephemeral-storage")
OVER = ("Succeeded", "Failed")
"""Phases in which a pod takes nothing of its node any more, whether it is still there or not."""
_QUOTAS = {"pods": "pods", "count/pods": "pods", "secrets": "pods", "count/secrets": "pods"} | {
    name: kind for kind in KINDS for name in (kind, f"requests.{kind}")
}


def need(pool: Pool) -> dict[str, Decimal]:
    """Return what a pod of *pool* takes that asks for nothing special."""
    both = (pool.default, pool.runner)
    return {
        "cpu": quantities.total(each.cpu for each in both),
        "memory": quantities.total(each.memory for each in both),
        "ephemeral-storage": quantities.total(each.disk for each in both),
        "pods": Decimal(1),
    }


class Taken:
    """What pods take of each node, kept up to date pod by pod."""

    def __init__(self, pods: Iterable[Object] = ()) -> None:
        self._on: dict[str, dict[str, Decimal]] = {}
        for each in pods:
            self.change(None, each)

    def of(self, node: str) -> Mapping[str, Decimal]:
        """Return what is taken of a node."""
        return self._on.get(node, NOTHING)

    def change(self, old: Object | None, new: Object | None) -> None:
        """Note that a pod came, became another, or went."""
        if old is not None and new is not None and _place(old) == _place(new):
            return
        for pod, sign in ((old, -1), (new, 1)):
            node = "" if pod is None else _place(pod)
            if pod is None or not node:
                continue
            on = self._on.setdefault(node, {})
            for kind, amount in _requests(pod).items():
                on[kind] = on.get(kind, Decimal(0)) + sign * amount


def _place(pod: Object) -> str:
    """Return the node of which a pod takes something."""
    over = (pod.get("status") or {}).get("phase") in OVER
    return "" if over else str(pod["spec"].get("nodeName") or "")


def _requests(pod: Object) -> dict[str, Decimal]:
    every = pod["spec"].get("containers") or ()
    asked = [(each.get("resources") or {}).get("requests") or {} for each in every]
    taken = {kind: quantities.total(each.get(kind, "0") for each in asked) for kind in KINDS}
    return {**taken, "pods": Decimal(1)}


def by_quotas(quotas: Iterable[Object], pool: Pool) -> int | None:
    """Say how many more pods the quotas allow; None where none bounds them."""
    wanted = need(pool)
    fits = [
        _times({kind: left}, wanted)
        for quota in quotas
        if not any((quota.get("spec") or {}).get(key) for key in ("scopes", "scopeSelector"))
        for kind, left in _left(quota.get("status") or {})
    ]
    return min(fits, default=None)


def _left(status: Object) -> Iterator[tuple[str, Decimal]]:
    used = status.get("used") or {}
    for name, hard in (status.get("hard") or {}).items():
        if name in _QUOTAS:
            left = quantities.total([hard]) - quantities.total([used.get(name, "0")])
            yield _QUOTAS[name], left


def by_nodes(nodes: Iterable[Object], taken: Taken, pool: Pool) -> int:
    """Say how many more pods of *pool* the nodes hold that it may use."""
    wanted = need(pool)
    return sum(
        _times(_free(node, taken.of(node["metadata"]["name"])), wanted)
        for node in nodes
        if usable(node, pool)
    )


def starts(node: Object) -> int:
    """Say how many pods a node should have to start at the same time.

    It starts all that it is given at once: of many no one gets on, and it looks as if it hung.
    """
    has = (node.get("status") or {}).get("allocatable") or {}
    return max(FEWEST_STARTS, int(STARTS * quantities.total([has.get("cpu", "0")])))


def _free(node: Object, taken: Mapping[str, Decimal]) -> dict[str, Decimal]:
    has = (node.get("status") or {}).get("allocatable") or {}
    return {
        kind: quantities.total([has[kind]]) - taken.get(kind, Decimal(0))
        for kind in (*KINDS, "pods")
        if kind in has
    }


def _times(left: Mapping[str, Decimal], wanted: Mapping[str, Decimal]) -> int:
    fits = [int(left[kind] / wanted[kind]) for kind in left if wanted.get(kind)]
    return max(0, min(fits, default=0))


def usable(node: Object, pool: Pool) -> bool:
    """Tell whether pods of *pool* may go to a node just now."""
    inside, has = node.get("spec") or {}, node["metadata"].get("labels") or {}
    ready = all(
        each.get("status") == "True" for each in (node.get("status") or {}).get("conditions") or ()
    )
    if inside.get("unschedulable") or not ready:
        return False
    if any(has.get(key) != value for key, value in pool.node_selector.items()):
        return False
    keeping_off = (
        each for each in inside.get("taints") or () if each["effect"] != "PreferNoSchedule"
    )
    return all(any(_tolerates(one, taint) for one in pool.tolerations) for taint in keeping_off)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    same = toleration.get("key") == taint.get("key")
    return same and (toleration.get("value") or "") == (taint.get("value") or "")
