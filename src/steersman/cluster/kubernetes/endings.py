"""How a runner ended: by itself, by its node, or by somebody who removed its pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from steersman.cluster.kubernetes import names, parts
from steersman.cluster.kubernetes.facts import Facts
from steersman.core.reports import Reason

Object = Mapping[str, Any]
BUG = 70


class Ending(NamedTuple):
    """Why a runner is at its end; without a *reason*, by itself."""

    text: str
    reason: Reason | None = None


_BY_NODE = {
    "Evicted": ("the node evicted its pod", Reason.EVICTED),
    "DeadlineExceeded": ("its pod ran longer than it may", Reason.TIMED_OUT),
    "NodeLost": ("its node is lost", Reason.NODE_LOST),
    "NodeShutdown": ("its node was shut down", Reason.NODE_LOST),
    "Shutdown": ("its node was shut down", Reason.NODE_LOST),
    "Terminated": ("its node was shut down", Reason.NODE_LOST),
    "Preempting": ("its node needed the place for a more important pod", Reason.EVICTED),
    "Preempted": ("a more important pod needed its place", Reason.EVICTED),
}
_BY_CONDITION = {
    "PreemptionByScheduler": ("a more important pod needed its place", Reason.EVICTED),
    "DeletionByTaintManager": ("its node was tainted so that it may not stay", Reason.EVICTED),
    "EvictionByEvictionAPI": ("its pod was evicted, as in a drain of its node", Reason.EVICTED),
    "DeletionByPodGC": ("its node is no more", Reason.NODE_LOST),
    "TerminationByKubelet": ("its node ended its pod", Reason.EVICTED),
}


def ending(pod: Object, facts: Facts) -> Ending | None:
    """Say why the runner of a pod ended; None while it has not."""
    status = pod.get("status") or {}
    ended = parts.terminated(pod, names.RUNNER)
    if ended is not None and ended.get("exitCode") == 0:
        return Ending("")
    said = str(status.get("reason") or "")
    if status.get("phase") == "Failed" and said:
        return _by_node(said, parts.clean(str(status.get("message") or "")))
    if ended is not None:
        return _runner(pod, ended, facts)
    first = parts.terminated(pod, names.PREPARE)
    if first is not None and first.get("exitCode") != 0:
        return _preparation(pod, first, facts)
    if status.get("phase") not in ("Failed", "Succeeded"):
        return None
    if pod["metadata"].get("deletionTimestamp"):
        # Kubelets of old forget how containers ended once the pod is removed.
        return removal(pod, facts)
    return Ending(f"its pod {str(status['phase']).lower()}, and its node does not say why")


def _by_node(said: str, message: str) -> Ending:
    known = _BY_NODE.get(said)
    if known is None:
        # Out of something, or of the wrong kind: the kubelet did not take the pod in.
        return Ending(f"its node refused its pod ({said}): {message}", Reason.NEVER_STARTED)
    text, reason = known
    return Ending(f"{text}: {message}" if message else text, reason)


def _preparation(pod: Object, ended: Object, facts: Facts) -> Ending:
    killed = _killed(pod, names.PREPARE, ended, facts)
    if killed is not None:
        return killed
    message = parts.last_words(str(ended.get("message") or ""))
    text = f"the runner could not prepare the job (exit code {ended.get('exitCode')})"
    if ended.get("reason") in parts.CANNOT_RUN:
        return Ending(f"{text}: {message}", Reason.NEVER_STARTED)
    return Ending(f"{text}: {message}" if message else text)


def _runner(pod: Object, ended: Object, facts: Facts) -> Ending:
    killed = _killed(pod, names.RUNNER, ended, facts)
    if killed is not None:
        return killed
    message = parts.last_words(str(ended.get("message") or ""))
    text = f"the runner ended {parts.how(ended)}"
    if ended.get("exitCode") == BUG:
        text = f"the runner failed by a fault of ours (exit code {BUG})"
    return Ending(f"{text}: {message}" if message else text)


def _killed(pod: Object, name: str, ended: Object, facts: Facts) -> Ending | None:
    if ended.get("reason") == "OOMKilled":
        return Ending(parts.oom(pod, name))
    if pod["metadata"].get("deletionTimestamp"):
        return removal(pod, facts)
    return None


def removal(pod: Object, facts: Facts) -> Ending:
    """Say why a pod is being removed, or was."""
    for each in (pod.get("status") or {}).get("conditions") or ():
        if each.get("type") == "DisruptionTarget" and each.get("status") == "True":
            text, reason = _BY_CONDITION.get(
                str(each.get("reason")), ("its pod was removed", Reason.EVICTED)
            )
            message = parts.clean(str(each.get("message") or ""))
            return Ending(f"{text}: {message}" if message else text, reason)
    preempted = facts.last("Preempted")
    if preempted is not None:
        return Ending(f"a more important pod needed its place: {preempted.message}", Reason.EVICTED)
    if facts.last("TaintManagerEviction") is not None:
        return Ending("its node was tainted so that it may not stay", Reason.EVICTED)
    if facts.node is not None and facts.node.cordoned:
        return Ending(f"its node {facts.node.name} is being drained", Reason.EVICTED)
    return Ending("somebody deleted its pod", Reason.RUNNER_GONE)
