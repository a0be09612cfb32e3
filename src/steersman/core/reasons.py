"""Why an attempt ended as it did; apart from reports, for who starts often and knows no others."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an attempt ended as it did. A closed list: the API, the UI and metrics show these."""

    STEP_FAILED = "step-failed"
    OUT_OF_MEMORY = "out-of-memory"
    TIMED_OUT = "timed-out"
    SERVICE_ENDED = "service-ended"
    REJECTED = "rejected"

    NEVER_LEASED = "never-leased"
    LEASE_ENDED = "lease-ended"
    NEVER_STARTED = "never-started"
    IMAGE_UNAVAILABLE = "image-unavailable"
    RUNNER_SILENT = "runner-silent"
    RUNNER_ENDED = "runner-ended"
    RUNNER_GONE = "runner-gone"
    EVICTED = "evicted"
    NODE_LOST = "node-lost"
    PREEMPTED = "preempted"
    DELETED = "deleted"
    DEADLINE = "deadline"
    UNSCHEDULABLE = "unschedulable"
    INIT_FAILED = "init-failed"
    BOX_LOST = "box-lost"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"

    REQUESTED = "requested"
    SUPERSEDED = "superseded"
    RUN_TIMED_OUT = "run-timed-out"
    UNCONFIRMED = "unconfirmed"


def known_reason(text: str, otherwise: Reason = Reason.INTERNAL) -> Reason:
    """Return the reason of this name; *otherwise* for one that only other versions know."""
    return Reason(text) if text in _REASONS else otherwise


_REASONS = frozenset(Reason)
