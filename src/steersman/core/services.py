"""Whose it is that a service ended before it answered: the user's to mend, or ours to do again."""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.reports import Reason

KILLED = frozenset({9, 15})
"""Signals that no program sends itself in earnest: a node, or somebody, wanted it to end."""


class Ended(NamedTuple):
    """How a service ended: by its exit *code*, or a *signal*; *memory*: it wanted more of that.

    *going* tells that all of what it belonged to was being removed, or its node was lost.
    """

    code: int | None = None
    signal: int = 0
    memory: bool = False
    going: bool = False


def reason(ended: Ended) -> Reason:
    """Say why a job cannot go on whose service ended: interrupted is ours, the others are not."""
    if ended.going:
        return Reason.INTERRUPTED
    if ended.memory:
        return Reason.OUT_OF_MEMORY
    if ended.code is None or signal(ended) in KILLED:
        return Reason.INTERRUPTED
    # An exit code of 0 too: it has done all it wanted, and will not answer next time either.
    return Reason.SERVICE_ENDED


def signal(ended: Ended) -> int:
    """Return the signal that ended a service: some engines tell it only by the code."""
    return ended.signal or (ended.code - 128 if ended.code and ended.code > 128 else 0)
