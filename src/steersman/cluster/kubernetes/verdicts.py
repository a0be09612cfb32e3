"""What a pod means: how far its runner is, and in one sentence why it ended or does not begin.

Nothing here makes an attempt green, or lost while its runner reports: this is what the cluster
says, which on a sick node may be old.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from steersman.cluster.kubernetes import endings, names, parts
from steersman.cluster.kubernetes.facts import NO_FACTS, Facts
from steersman.core.reports import Reason
from steersman.core.runners import Note, Seen, Stage, State

Object = Mapping[str, Any]


def look(pod: Object, facts: Facts = NO_FACTS) -> Seen:
    """Say how the runner of a pod stands."""
    metadata = pod["metadata"]
    attempt = metadata["labels"][names.ATTEMPT]
    status = pod.get("status") or {}
    node = (pod.get("spec") or {}).get("nodeName") or ""
    began = started(pod)
    leaving = bool(metadata.get("deletionTimestamp"))
    ending = endings.ending(pod, facts)
    if ending is not None:
        return Seen(
            attempt,
            State.ENDED,
            began,
            ending.text,
            stage=None,
            node=node,
            reason=ending.reason,
            leaving=leaving,
            closing=not leaving and _closing(pod, status),
            notes=tuple(parts.notes(pod, facts)),
        )
    seen = _going(attempt, pod, status, facts, began)
    notes = [*_leaving(pod, facts), *parts.notes(pod, facts)]
    return seen._replace(node=node, leaving=leaving, notes=tuple(notes))


def _closing(pod: Object, status: Object) -> bool:
    """Tell whether a pod will have ended as a whole in a moment, as its box goes with its runner.

    Then it takes no more room, and is removed at once; otherwise its node has to confirm that.
    """
    every = (pod.get("spec") or {}).get("containers") or ()
    alone = not any(str(each.get("name")).startswith(names.SERVICE) for each in every)
    return alone and status.get("phase") not in ("Succeeded", "Failed")


def started(pod: Object) -> float | None:
    """Return when the first of our containers began to run."""
    first = parts.container(pod, names.PREPARE)
    for state in (first.get("state") or {}, first.get("lastState") or {}):
        for kind in ("running", "terminated"):
            said = (state.get(kind) or {}).get("startedAt")
            if said:
                return datetime.fromisoformat(said).timestamp()
    return None


def _going(attempt: str, pod: Object, status: Object, facts: Facts, began: float | None) -> Seen:
    if parts.state(pod, names.RUNNER) == "running":
        return Seen(attempt, State.RUNNING, began, stage=Stage.RUNNING)
    if parts.state(pod, names.PREPARE) == "running":
        return Seen(attempt, State.RUNNING, began, stage=Stage.PREPARING)
    if parts.state(pod, names.PREPARE) == "terminated":
        note = facts.trouble()
        return Seen(attempt, State.RUNNING, began, note, stage=Stage.PREPARED)
    if not (pod.get("spec") or {}).get("nodeName"):
        note = _unplaced(status)
        return Seen(attempt, State.PENDING, note=note, placed=False, stage=Stage.WAITING)
    return _placed(attempt, pod, facts)


def _unplaced(status: Object) -> str:
    for each in status.get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            what = str(each.get("message") or each.get("reason") or "")
            return f"no node has a place for it: {what}"[:600]
    return ""


def _placed(attempt: str, pod: Object, facts: Facts) -> Seen:
    """Read a pod that has a node, on which nothing of ours ran yet."""
    pull = parts.pulling(pod, names.PREPARE, facts)
    seen = Seen(attempt, State.PENDING, stage=Stage.PLACED, note=facts.trouble())
    if pull is not None:
        gone = pull.permanent
        return seen._replace(
            stage=Stage.PULLING,
            note=pull.text,
            reason=Reason.IMAGE_UNAVAILABLE if gone else None,
        )
    stuck = parts.stuck(pod, names.PREPARE)
    if stuck is not None:
        return seen._replace(note=stuck.text, reason=Reason.NEVER_STARTED)
    if not facts.events_known:
        # Without events a node that fetches our image looks like one that does nothing.
        return seen._replace(stage=Stage.PULLING)
    return seen


def _leaving(pod: Object, facts: Facts) -> Iterator[Note]:
    if pod["metadata"].get("deletionTimestamp"):
        why = endings.removal(pod, facts)
        yield Note("pod-ending", "", why.text, why.reason)
