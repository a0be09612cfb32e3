"""One try at a job: the only state machine that is stored.

`advance` is the only way from state to state. What was reported late, twice or by somebody who
was replaced changes nothing; `hear` says which of these it is, so that the sender can be told.
Deadlines are in `deadlines.py`, which ends what nobody reports on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from steersman.core.leases import Lease
from steersman.core.reports import (
    PULLING,
    RECORDS,
    Adopted,
    CancelRequested,
    Errored,
    Event,
    Failed,
    Heartbeat,
    Leased,
    Lost,
    Note,
    Reason,
    Rejected,
    Released,
    Renewed,
    Started,
    Stopped,
    Succeeded,
)


class State(StrEnum):
    """Where an attempt stands. *cancelling* is no end: what still dies must not look dead."""

    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.ERRORED, State.CANCELLED})

# An event that is missing below a state means nothing there.
TRANSITIONS: Mapping[State, Mapping[type[Event], State]] = MappingProxyType(
    {
        State.QUEUED: {Leased: State.LEASED, CancelRequested: State.CANCELLED},
        State.LEASED: {
            Adopted: State.LEASED,
            Renewed: State.LEASED,
            Released: State.QUEUED,
            Rejected: State.FAILED,
            Lost: State.ERRORED,
            Started: State.RUNNING,
            # A runner's first word may overtake its "started".
            Heartbeat: State.RUNNING,
            Succeeded: State.SUCCEEDED,
            Failed: State.FAILED,
            Errored: State.ERRORED,
            Stopped: State.ERRORED,
            CancelRequested: State.CANCELLING,
        },
        State.RUNNING: {
            Adopted: State.RUNNING,
            # Only what its worker sees: the runner itself holds the attempt now.
            Renewed: State.RUNNING,
            # Only a doubt: a heartbeat takes it away, see `deadlines.py`.
            Lost: State.RUNNING,
            Heartbeat: State.RUNNING,
            Succeeded: State.SUCCEEDED,
            Failed: State.FAILED,
            Errored: State.ERRORED,
            Stopped: State.ERRORED,
            CancelRequested: State.CANCELLING,
        },
        State.CANCELLING: {
            Adopted: State.CANCELLING,
            Renewed: State.CANCELLING,
            Released: State.CANCELLED,
            Rejected: State.CANCELLED,
            Lost: State.CANCELLING,
            Started: State.CANCELLING,
            Heartbeat: State.CANCELLING,
            Succeeded: State.CANCELLED,
            Failed: State.CANCELLED,
            Errored: State.CANCELLED,
            Stopped: State.CANCELLED,
        },
        State.SUCCEEDED: {},
        State.FAILED: {},
        State.ERRORED: {},
        State.CANCELLED: {},
    }
)


class Doubt(NamedTuple):
    """A worker's word, since *since*, that the runner is no more; *permanent* as of `Lost`."""

    reason: Reason
    message: str
    since: float
    permanent: bool = False


class Attempt(NamedTuple):
    """One try at *job*. *number* counts from 1, *leases* how often it was leased or adopted.

    *runner* is the id of the runner that reports, *heard* when it last did; *since* is when the
    state began, *placed* when the runner had a place to start in. *limit* is how many seconds it
    may run: the runner holds to it, and the server should the runner not. *node* is where it runs
    or ran, *notes* are what its worker sees of it.
    """

    id: str
    job: str
    number: int
    queued: float
    state: State = State.QUEUED
    since: float = 0.0
    lease: Lease | None = None
    leases: int = 0
    placed: float = 0.0
    runner: str | None = None
    started: float | None = None
    heard: float = 0.0
    doubt: Doubt | None = None
    limit: float | None = None
    reason: Reason | None = None
    message: str = ""
    node: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def pulling(self) -> bool:
        """Tell whether it waits for an image."""
        return any(each.kind == PULLING for each in self.notes)


class Hearing(StrEnum):
    """What a report is to an attempt, and so what its sender is told.

    NEWS changes it. KNOWN is fine and changes nothing. FENCED: the sender was replaced, or the
    attempt is over for it; it must stop.
    """

    NEWS = "news"
    KNOWN = "known"
    FENCED = "fenced"


def queue(identity: str, job: str, number: int, *, now: float, limit: float | None) -> Attempt:
    """Make a new attempt, waiting in the queue."""
    return Attempt(identity, job, number, queued=now, since=now, limit=limit)


def hear(attempt: Attempt, event: Event) -> Hearing:
    """Say what *event* is to *attempt*."""
    if _is_stale(attempt, event):
        return Hearing.FENCED
    if isinstance(event, Released | Rejected) and attempt.runner is not None:
        # The runner reports, so there is one: it says itself how it ends.
        return Hearing.KNOWN
    if type(event) in TRANSITIONS[attempt.state]:
        return Hearing.NEWS
    if attempt.state.is_final:
        return _told_the_dead(attempt, event)
    # A doubled report of the same runner or worker, or a worker that renews what the runner does.
    return Hearing.FENCED if isinstance(event, Leased | Adopted) else Hearing.KNOWN


def _is_stale(attempt: Attempt, event: Event) -> bool:
    if isinstance(event, CancelRequested):
        return False
    if isinstance(event, Leased | Adopted):
        return event.lease != attempt.leases + 1
    if isinstance(event, Renewed | Released | Rejected | Lost):
        return attempt.lease is None or event.lease != attempt.lease.number
    if event.attempt != attempt.number or attempt.state is State.QUEUED:
        return True
    return attempt.runner is not None and event.runner != attempt.runner


def _told_the_dead(attempt: Attempt, event: Event) -> Hearing:
    """A record sent again is acknowledged, so that its runner may leave; others are to stop."""
    mine = isinstance(event, RECORDS) and attempt.runner == event.runner
    return Hearing.KNOWN if mine or isinstance(event, CancelRequested) else Hearing.FENCED


def advance(attempt: Attempt, event: Event, now: float) -> Attempt:
    """Return *attempt* as it is after *event*: the very same object when it means nothing."""
    if hear(attempt, event) is not Hearing.NEWS:
        return attempt
    state = TRANSITIONS[attempt.state][type(event)]
    changed = _noted(attempt, event, now)
    if isinstance(event, Lost):
        state = _lost(attempt, event, state)
    if state is attempt.state:
        return changed
    if state.is_final:
        return ended(changed, state, *_why(attempt, event), now=now)
    return changed._replace(state=state, since=now)


def _lost(attempt: Attempt, event: Lost, state: State) -> State:
    """Say where a loss leads beside the table."""
    if state is State.CANCELLING and attempt.runner is None:
        return State.CANCELLED
    return State.FAILED if state is State.ERRORED and event.permanent else state


def ended(
    attempt: Attempt, state: State, reason: Reason | None, message: str, *, now: float
) -> Attempt:
    """Return *attempt* at its end; the lease is over with it."""
    return attempt._replace(
        state=state, since=now, reason=reason, message=message, lease=None, doubt=None, notes=()
    )


def _noted(attempt: Attempt, event: Event, now: float) -> Attempt:
    """Write down what *event* says beside the state."""
    match event:
        case Leased(number, worker, until):
            lease = Lease(worker, number, until)
            fresh = attempt._replace(lease=lease, leases=number, placed=now, message="")
            return fresh._replace(node=None, notes=())
        case Adopted(number, worker, until):
            return attempt._replace(lease=Lease(worker, number, until), leases=number)
        case Renewed():
            return _renewed(attempt, event, now)
        case Released():
            return attempt._replace(lease=None, node=None, notes=())
        case Lost(_, reason, message, permanent, node):
            # Said again it is no new doubt: the first one's time runs on.
            doubt = attempt.doubt or Doubt(reason, message, now, permanent)
            return attempt._replace(doubt=doubt, node=node or attempt.node)
        case CancelRequested(reason, message):
            return attempt._replace(reason=reason, message=message)
        case Rejected():
            return attempt
        case Started(_, runner, node):
            return _heard(attempt, runner, now)._replace(node=node or attempt.node)
        case _:
            return _heard(attempt, event.runner, now)


def _renewed(attempt: Attempt, event: Renewed, now: float) -> Attempt:
    """Note what the worker sees; the very same attempt where that is nothing new."""
    notes = attempt.notes if event.notes is None else event.notes
    node = event.node or attempt.node
    seen = attempt
    if (node, notes) != (attempt.node, attempt.notes):
        seen = attempt._replace(node=node, notes=notes)
    if attempt.state is not State.LEASED:
        return seen
    kept = attempt.lease and attempt.lease.renewed(event.until)
    # The time to start begins anew when an image has come.
    came = attempt.pulling and not seen.pulling
    begun = attempt.placed if event.placed and not came else now
    return seen._replace(lease=kept, placed=begun, message=event.note)


def _heard(attempt: Attempt, runner: str, now: float) -> Attempt:
    """Note that the runner spoke: what anybody else believes of it is void."""
    started = attempt.started if attempt.runner else now
    # The note of a worker that prepared ends with the first word of the runner.
    message = attempt.message if attempt.state is State.CANCELLING else ""
    return attempt._replace(
        runner=runner, started=started, heard=max(attempt.heard, now), doubt=None, message=message
    )


def _why(attempt: Attempt, event: Event) -> tuple[Reason | None, str]:
    """Say why *event* ends *attempt*."""
    if attempt.state is State.CANCELLING:
        return attempt.reason, _too_late(attempt, event)
    match event:
        case Rejected(_, message):
            return Reason.REJECTED, message
        case Stopped(_, _, message):
            # Nobody asked for it: something of ours ended the runner.
            return Reason.INTERRUPTED, message
        case Lost(_, reason, message, _, _) | Failed(_, _, reason, message):
            return reason, message
        case Errored(_, _, reason, message) | CancelRequested(reason, message):
            return reason, message
        case Succeeded(_, _, message):
            return None, message
    return None, ""


def _too_late(attempt: Attempt, event: Event) -> str:
    """Keep to the cancellation, but say so when everything had been done already."""
    if isinstance(event, Succeeded):
        return f"{attempt.message}; its steps had already succeeded".lstrip("; ")
    return attempt.message
