"""Attempts in each state, and one of each event that fits them."""

from __future__ import annotations

from steersman.core import attempts
from steersman.core.attempts import Attempt, State
from steersman.core.leases import Lease
from steersman.core.reports import (
    Adopted,
    CancelRequested,
    Errored,
    Event,
    Failed,
    Heartbeat,
    Leased,
    Lost,
    Rejected,
    Released,
    Renewed,
    Started,
    Stopped,
    Succeeded,
)

NOW = 1000.0


def attempt(state: State) -> Attempt:
    """Return an attempt (number 1) in *state*, with lease 1 and runner `r` where it has them."""
    made = attempts.queue("a", "build", 1, now=0.0, limit=None)
    if state is State.QUEUED:
        return made
    made = made._replace(state=state, since=100.0, leases=1, lease=Lease("w", 1, 130.0))
    if state is State.LEASED:
        return made._replace(placed=100.0)
    made = made._replace(runner="r", started=110.0, heard=120.0, placed=100.0)
    return made._replace(lease=None) if state.is_final else made


def event(kind: type[Event], *, lease: int = 1, number: int = 1, runner: str = "r") -> Event:
    """Return an event of *kind*; grants carry the lease after *lease*."""
    made: dict[type[Event], Event] = {
        Leased: Leased(lease + 1, "v", NOW + 30),
        Adopted: Adopted(lease + 1, "v", NOW + 30),
        Renewed: Renewed(lease, NOW + 30),
        Released: Released(lease),
        Rejected: Rejected(lease),
        Lost: Lost(lease),
        Started: Started(number, runner),
        Heartbeat: Heartbeat(number, runner),
        Succeeded: Succeeded(number, runner),
        Failed: Failed(number, runner),
        Errored: Errored(number, runner),
        Stopped: Stopped(number, runner),
        CancelRequested: CancelRequested(),
    }
    return made[kind]
