"""What a worker writes into its log: the name of an event, then details."""

from __future__ import annotations

import logging
from enum import StrEnum

log = logging.getLogger("steersman.worker")


class Event(StrEnum):
    """A closed list: people search for these."""

    WORKER_STARTED = "worker_started"
    WORKER_STOPPED = "worker_stopped"
    WORKER_DRAINS = "worker_drains"
    ATTEMPT_GRANTED = "attempt_granted"
    ATTEMPT_ADOPTED = "attempt_adopted"
    ATTEMPT_REPORTED = "attempt_reported"
    ATTEMPT_GONE = "attempt_gone"
    RUNNER_CREATED = "runner_created"
    RUNNER_STOPPED = "runner_stopped"
    RUNNER_KILLED = "runner_killed"
    RUNNER_DELETED = "runner_deleted"
    ACTION_FAILED = "action_failed"
    SERVER_AWAY = "server_away"
    SERVER_BACK = "server_back"
    CLUSTER_AWAY = "cluster_away"


def say(event: Event, details: str, *, level: int = logging.INFO) -> None:
    """Write down an event."""
    log.log(level, "%s: %s", event, details)
