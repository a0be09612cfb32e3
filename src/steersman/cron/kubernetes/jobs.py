"""Jobs from instants, and runs from Jobs: plain data in, plain data out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from steersman.core.schedules import explaining, fires
from steersman.core.schedules.fires import Fire, Key, Kind, Outcome
from steersman.cron.kubernetes.base import Object
from steersman.cron.launchers.base import Run, Work

CRONETES = "cronetes"
CRON = "steersman.dev/cron"
FIRE = "steersman.dev/fire"
SCHEDULE = "steersman.dev/schedule"
INSTANT = "steersman.dev/instant"
KIND = "steersman.dev/kind"
ATTEMPT = "steersman.dev/attempt-number"
FENCE = "steersman.dev/fence"
KUBERNETES_OWN = "batch.kubernetes.io/cronjob-scheduled-timestamp"
QUARANTINE = "steersman.dev/"
"""Taints whose keys begin so say that a node is not to be trusted."""
_KEPT = ("name", "namespace", "uid", "resourceVersion", "labels", "annotations",
         "creationTimestamp", "deletionTimestamp")  # fmt: skip


def manifest(work: Work, fire: Fire, namespace: str, cron: str) -> Object:
    """Return the Job of *fire*: what the configuration says, with our name and labels."""
    job: Object = copy.deepcopy(dict(work.body))
    metadata = {**(job.get("metadata") or {})}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    job.pop("status", None)
    job["apiVersion"], job["kind"] = "batch/v1", "Job"
    job["metadata"] = {
        **{
            key: value
            for key, value in metadata.items()
            if key in ("finalizers", "ownerReferences")
        },
        "name": fire.run,
        "namespace": namespace,
        "labels": {**labels, CRONETES: "true", CRON: cron, FIRE: identity(fire)},
        "annotations": {
            **annotations,
            SCHEDULE: fire.schedule,
            INSTANT: str(fire.instant),
            KIND: str(fire.kind),
            ATTEMPT: str(fire.attempt),
            FENCE: str(fire.fence),
            KUBERNETES_OWN: explaining.stamp(fire.instant),
        },
    }
    return job


def identity(fire: Fire) -> str:
    """Return what only this attempt at this instant has, as a label holds it."""
    return fires.digest(*fire.key, fire.attempt)[:40]


def keep(job: Object) -> Object:
    """Keep of a Job what `run` looks at."""
    metadata = job.get("metadata") or {}
    spec = job.get("spec") or {}
    return {
        "metadata": {key: metadata[key] for key in _KEPT if metadata.get(key) is not None},
        "spec": {"selector": spec.get("selector")},
        "status": dict(job.get("status") or {}),
    }


def run(job: Mapping[str, Any]) -> Run | None:
    """Return the run that a Job is; None for one that is none of ours."""
    metadata = job["metadata"]
    said = metadata.get("annotations") or {}
    if SCHEDULE not in said or not str(said.get(INSTANT, "")).lstrip("-").isdigit():
        return None
    try:
        kind = Kind(said.get(KIND, "scheduled"))
        attempt = int(said.get(ATTEMPT, "1"))
    except ValueError:
        return None
    outcome, ended, message = outcome_of(job)
    terminating = seconds(metadata.get("deletionTimestamp"))
    if terminating is not None and outcome is Outcome.RUNNING:
        message = "its Job is being deleted"
    key = Key(said[SCHEDULE], int(said[INSTANT]), kind)
    found = Run(metadata["name"], metadata["uid"], key, attempt, outcome, ended, message)
    return found._replace(terminating=terminating)


def outcome_of(job: Mapping[str, Any]) -> tuple[Outcome, float | None, str]:
    """Return how a Job goes, when it ended, and why."""
    status = job.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("status") != "True":
            continue
        at = seconds(condition.get("lastTransitionTime"))
        if condition.get("type") == "Complete":
            return Outcome.SUCCEEDED, seconds(status.get("completionTime")) or at, ""
        if condition.get("type") == "Failed":
            words = f"{condition.get('reason') or 'failed'}: {condition.get('message') or ''}"
            return Outcome.FAILED, at, words.strip(": ")
    return Outcome.RUNNING, None, ""


def seconds(stamp: str | None) -> float | None:
    """Return the time that Kubernetes wrote as *stamp*."""
    if not stamp:
        return None
    found = datetime.fromisoformat(stamp)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


class Pod(NamedTuple):
    """A pod of a Job that has not ended. *terminating* is since when it is being deleted."""

    job: str
    node: str
    terminating: float | None = None


class Node(NamedTuple):
    """A node that is not well: since when and why. *banned*: somebody has put it aside."""

    name: str
    since: float
    why: str
    banned: bool = False


PATIENCE = 30.0
"""Seconds a node may be away before what runs on it is taken for lost."""


def afflicted(each: Run, pods: Iterable[Pod], nodes: Mapping[str, Node], now: float) -> Run:
    """Return *each* as it is with what is known of its pods and their nodes.

    A run is lost when all that is left of it is on nodes that are sick for a while, or put aside.
    """
    left = list(pods)
    bad = [nodes[pod.node] for pod in left if pod.node in nodes]
    if each.outcome is not Outcome.RUNNING or not left or len(bad) < len(left):
        return each
    stuck = [pod.terminating for pod in left if pod.terminating is not None]
    terminating = each.terminating or (min(stuck) if stuck else None)
    each = each._replace(sick=True, terminating=terminating)
    if any(now - node.since >= PATIENCE or node.banned for node in bad):
        why = f"its node {bad[0].name} {bad[0].why}"
        return each._replace(outcome=Outcome.LOST, ended=now, message=why)
    return each


def keep_pod(pod: Object) -> Object | None:
    """Keep of a pod where it is and whether it has ended."""
    metadata = pod.get("metadata") or {}
    job = (metadata.get("labels") or {}).get("job-name")
    if job is None:
        return None
    return {
        "metadata": {
            key: metadata[key]
            for key in ("name", "uid", "resourceVersion", "deletionTimestamp", "labels")
            if metadata.get(key) is not None
        },
        "spec": {"nodeName": (pod.get("spec") or {}).get("nodeName") or ""},
        "status": {"phase": (pod.get("status") or {}).get("phase")},
    }


def pod(kept: Mapping[str, Any]) -> Pod | None:
    """Return a pod that has not ended."""
    if kept["status"].get("phase") in ("Succeeded", "Failed"):
        return None
    metadata = kept["metadata"]
    since = seconds(metadata.get("deletionTimestamp"))
    return Pod(metadata["labels"]["job-name"], kept["spec"]["nodeName"], since)


def keep_node(node: Object) -> Object:
    """Keep of a node whether it is well."""
    metadata = node["metadata"]
    conditions = (node.get("status") or {}).get("conditions") or ()
    return {
        "metadata": {key: metadata[key] for key in ("name", "uid", "resourceVersion")},
        "taints": (node.get("spec") or {}).get("taints") or [],
        "ready": next((each for each in conditions if each.get("type") == "Ready"), {}),
    }


def node(kept: Mapping[str, Any], now: float) -> Node | None:
    """Return a node that is not well."""
    name = kept["metadata"]["name"]
    for taint in kept["taints"]:
        if str(taint.get("key", "")).startswith(QUARANTINE):
            since = seconds(taint.get("timeAdded")) or now
            return Node(name, since, "was put aside", banned=True)
    ready = kept["ready"]
    if ready.get("status") == "True":
        return None
    since = seconds(ready.get("lastTransitionTime")) or now
    return Node(name, since, f"is not ready: {ready.get('message') or 'it says nothing'}")
