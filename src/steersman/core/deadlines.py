"""Deadlines: no attempt waits for ever for a report that will not come.

Two rules go before every deadline. Heartbeats win: while the runner reports, nobody else's word
ends the attempt. And silence counts only while we were listening: nothing expires of silence
before the server and its store have been back for a grace.
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.attempts import Attempt, State, ended
from steersman.core.reports import Reason

_DAY = 24 * 3600.0


class Policy(NamedTuple):
    """How long each wait may take, in seconds.

    *scheduled* is the time to start on a node of a cluster, once that has nothing else to start or
    to pull: a sick node costs no more. *ended* is the doubt about a runner whose end was seen: only
    what it had sent may still come.
    *grace* must be longer than runners and workers wait between two tries to reach us.
    """

    queued: float = 7 * _DAY
    adoption: float = 60.0
    starting: float = 20 * 60.0
    scheduled: float = 30.0
    silence: float = 60.0
    doubt: float = 15.0
    ended: float = 2.0
    cancelling: float = 10 * 60.0
    overtime: float = 120.0
    grace: float = 60.0


class Deadline(NamedTuple):
    """When an attempt ends by itself, and as what. *told* is when somebody said so, if it is not
    our own silence that counts.
    """

    at: float
    state: State
    reason: Reason
    message: str
    told: float | None = None

    def due(self, listening_since: float, policy: Policy) -> float:
        """Return when it holds: what we were told while we listened needs no grace."""
        if self.told is not None and self.told >= listening_since:
            return self.at
        return max(self.at, listening_since + policy.grace)


DEFAULT = Policy()


def deadline(attempt: Attempt, policy: Policy = DEFAULT) -> Deadline | None:
    """Return the next deadline of *attempt*; None only when it has ended."""
    return min(_all(attempt, policy), key=lambda each: each.at, default=None)


def _all(attempt: Attempt, policy: Policy) -> list[Deadline]:
    find = {
        State.QUEUED: _queued,
        State.LEASED: _leased,
        State.RUNNING: _running,
        State.CANCELLING: _cancelling,
    }.get(attempt.state)
    return find(attempt, policy) if find else []


def due(attempt: Attempt, listening_since: float, policy: Policy = DEFAULT) -> float | None:
    """Return the moment from which `expire` ends *attempt* if nothing is heard before."""
    times = (each.due(listening_since, policy) for each in _all(attempt, policy))
    return min(times, default=None)


def expire(
    attempt: Attempt, now: float, listening_since: float, policy: Policy = DEFAULT
) -> Attempt:
    """Return *attempt* ended if its time is over, else the very same object.

    *listening_since* is when the server or its store, whichever was later, came back.
    """
    found = min(
        _all(attempt, policy), key=lambda each: each.due(listening_since, policy), default=None
    )
    if found is None or now < found.due(listening_since, policy):
        return attempt
    return ended(attempt, found.state, found.reason, found.message, now=now)


def node_was_busy(attempt: Attempt, last_start: float | None, policy: Policy = DEFAULT) -> Attempt:
    """Let the time to start count from the last start of another runner on the same node.

    A node that is healthy starts what it was given one after the other; but not for ever.
    """
    if attempt.state is not State.LEASED or last_start is None or last_start <= attempt.placed:
        return attempt
    latest = attempt.placed + policy.starting - policy.scheduled
    return attempt._replace(placed=min(last_start, latest))


def _queued(attempt: Attempt, policy: Policy) -> list[Deadline]:
    message = "no worker took it in time"
    return [_errored(attempt.queued + policy.queued, Reason.NEVER_LEASED, message)]


def _leased(attempt: Attempt, policy: Policy) -> list[Deadline]:
    lease = attempt.lease
    held = lease.until if lease else attempt.since
    worker = lease.worker if lease else "nobody"
    lost = f"worker {worker} went away before the runner had started, and no other took over"
    patience, late = policy.starting, "its runner did not start in time"
    if attempt.node and not attempt.pulling:
        patience = policy.scheduled
        late = f"its runner did not start within {patience:g} s on the node {attempt.node}"
    late += f"; last seen: {attempt.message}" if attempt.message else ""
    return [
        *_queued(attempt, policy),
        _errored(held + policy.adoption, Reason.LEASE_ENDED, lost),
        _errored(attempt.placed + patience, Reason.NEVER_STARTED, late),
    ]


def _running(attempt: Attempt, policy: Policy) -> list[Deadline]:
    silent = f"nothing heard of its runner for {policy.silence:g} s"
    found = [_errored(attempt.heard + policy.silence, Reason.RUNNER_SILENT, silent)]
    if attempt.doubt is not None:
        reason, message, since, permanent = attempt.doubt
        patience = policy.ended if reason is Reason.RUNNER_ENDED else policy.doubt
        end = State.FAILED if permanent else State.ERRORED
        found.append(Deadline(since + patience, end, reason, message, told=since))
    if attempt.limit is not None and attempt.started is not None:
        at = attempt.started + attempt.limit + policy.overtime
        late = f"it ran for more than its {attempt.limit:g} s, and its runner did not end it"
        found.append(Deadline(at, State.FAILED, Reason.TIMED_OUT, late))
    return found


def _cancelling(attempt: Attempt, policy: Policy) -> list[Deadline]:
    """A runner that reports is given longer to die, but not for ever."""
    heard = max(attempt.since, attempt.heard)
    silent = "cancelled; its runner did not confirm that it stopped"
    stubborn = f"cancelled; its runner still ran {policy.cancelling:g} s later"
    found = [
        Deadline(heard + policy.silence, State.CANCELLED, Reason.UNCONFIRMED, silent),
        Deadline(attempt.since + policy.cancelling, State.CANCELLED, Reason.UNCONFIRMED, stubborn),
    ]
    if attempt.doubt is not None:
        seen = attempt.doubt.reason is Reason.RUNNER_ENDED
        at = attempt.doubt.since + (policy.ended if seen else policy.doubt)
        reason = attempt.reason or Reason.REQUESTED
        told = attempt.doubt.since
        found.append(Deadline(at, State.CANCELLED, reason, attempt.message, told))
    return found


def _errored(at: float, reason: Reason, message: str) -> Deadline:
    return Deadline(at, State.ERRORED, reason, message)
