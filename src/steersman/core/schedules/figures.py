"""What is counted of schedules, for the metrics: words under which numbers are kept."""

from __future__ import annotations

from steersman.core.schedules.fires import Outcome, State

BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0)
"""Seconds of lateness up to which launches are counted together."""
SUM = "late-sum"
_STATE, _OUTCOME, _LATE = "state", "outcome", "late"


def state(value: State) -> str:
    """Return the word for instants that ended so."""
    return f"{_STATE}/{value}"


def outcome(value: Outcome) -> str:
    """Return the word for runs that ended so."""
    return f"{_OUTCOME}/{value}"


def lateness(seconds: float) -> dict[str, int]:
    """Return what one launch adds: to its bound, and to the sum in milliseconds."""
    bound = next((each for each in BOUNDS if seconds <= each), None)
    return {late(bound): 1, SUM: max(0, round(seconds * 1000))}


def late(bound: float | None) -> str:
    """Return the word for launches up to so late, and later than the bound before."""
    return f"{_LATE}/{'+Inf' if bound is None else format(bound, 'g')}"
