"""What is remembered of an object: a tenth of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Object = dict[str, Any]
_METADATA = (
    "name", "uid", "resourceVersion", "labels", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds",
)  # fmt: skip
_ANNOTATIONS = ("steersman.dev/services",)


def _some(said: Mapping[str, Any] | None, keys: Iterable[str]) -> Object:
    return {key: said[key] for key in keys if said and said.get(key) is not None}


def pod(said: Object) -> Object | None:
    """Keep of a pod what verdicts and room need; None for what is none of ours."""
    metadata, inside = said.get("metadata") or {}, said.get("spec") or {}
    if not (metadata.get("labels") or {}).get("steersman.dev/attempt"):
        return None
    kept = _some(metadata, _METADATA)
    kept["annotations"] = _some(metadata.get("annotations"), _ANNOTATIONS)
    every = {
        key: [_some(each, ("name", "image", "resources")) for each in inside.get(key) or ()]
        for key in ("initContainers", "containers")
    }
    status = _some(said.get("status"), ("phase", "reason", "message", "conditions"))
    for key in ("initContainerStatuses", "containerStatuses"):
        each_of = (said.get("status") or {}).get(key) or ()
        status[key] = [_some(each, ("name", "state", "lastState")) for each in each_of]
    return {"metadata": kept, "spec": {**_some(inside, ("nodeName",)), **every}, "status": status}


def node(said: Object) -> Object:
    """Keep of a node whether it is well, what it has, and who may use it."""
    status = _some(said.get("status"), ("allocatable",))
    conditions = (said.get("status") or {}).get("conditions") or ()
    status["conditions"] = [each for each in conditions if each.get("type") == "Ready"]
    kept = _some(said["metadata"], ("name", "uid", "resourceVersion", "labels"))
    return {
        "metadata": kept,
        "spec": _some(said.get("spec"), ("unschedulable", "taints")),
        "status": status,
    }
