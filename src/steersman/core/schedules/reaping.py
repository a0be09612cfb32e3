"""Which ended runs are removed: by when they ended and how, never one that still goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from steersman.core.schedules.fires import Outcome


class Ended(NamedTuple):
    """A run as a reaper sees it. *group* is what counts are kept for: its schedule."""

    name: str
    uid: str
    outcome: Outcome
    ended: float | None
    group: str


class Limits(NamedTuple):
    """How long, in seconds, and how many ended runs are kept; None is no limit by count."""

    succeeded: float = 3600.0
    failed: float = 86400.0
    keep_succeeded: int | None = None
    keep_failed: int | None = None

    @property
    def counts(self) -> bool:
        return self.keep_succeeded is not None or self.keep_failed is not None


def old(each: Ended, limits: Limits, now: float) -> bool:
    """Tell whether a run has ended longer ago than its like is kept."""
    if each.ended is None or each.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED):
        return False
    kept = limits.succeeded if each.outcome is Outcome.SUCCEEDED else limits.failed
    return now - each.ended >= kept


def plan(runs: Iterable[Ended], limits: Limits, now: float) -> list[Ended]:
    """Return what goes: too old, or beyond the newest so many of its group and outcome."""
    gone: list[Ended] = []
    left: dict[tuple[str, Outcome], list[Ended]] = defaultdict(list)
    for each in runs:
        if old(each, limits, now):
            gone.append(each)
        elif each.ended is not None and each.outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
            left[each.group, each.outcome].append(each)
    for (_, outcome), group in left.items():
        most = limits.keep_succeeded if outcome is Outcome.SUCCEEDED else limits.keep_failed
        if most is not None and len(group) > most:
            group.sort(key=lambda each: (-(each.ended or 0.0), each.name))
            gone += group[most:]
    return gone
