"""Leases: a worker's hold on an attempt, with an end and a number that only grows.

The number fences: whoever speaks with an older one lost its hold meanwhile and is not obeyed.
Times are seconds since the epoch, by the store's clock.
"""

from __future__ import annotations

from typing import NamedTuple

SECONDS = 30.0
"""How long a lease holds unless it is renewed."""
RENEW_EVERY = SECONDS / 3
"""How often a worker renews: two renewals may be lost."""


class Lease(NamedTuple):
    """The hold of *worker* on one attempt until *until*. *number* counts the attempt's leases."""

    worker: str
    number: int
    until: float

    def ended(self, now: float) -> bool:
        """Tell whether the lease is over, so that another worker may adopt the attempt."""
        return now >= self.until

    def renewed(self, until: float) -> Lease:
        """Return the lease, longer; a renewal that comes late never shortens it."""
        return self if until <= self.until else self._replace(until=until)


def grant(worker: str, *, after: int, now: float, seconds: float = SECONDS) -> Lease:
    """Make the lease that follows number *after* (0: there was none)."""
    return Lease(worker, after + 1, now + seconds)


def may_adopt(lease: Lease, worker: str, now: float, *, started: bool, holder_gone: bool) -> bool:
    """Tell whether *worker* may take over what *lease* holds; that spends no attempt.

    Once its runner has *started* a lease does not end by itself, since the runner renews it: then
    only a holder that is known to be gone is replaced. A worker that came back takes its own.
    """
    if worker == lease.worker or holder_gone:
        return True
    return not started and lease.ended(now)
