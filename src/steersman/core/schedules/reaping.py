"""Which ended runs are removed: by when they ended and how, never one that still goes on."""

from __future__ import annotations

import heapq
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

    @property
    def over(self) -> bool:
        """Tell whether it may go at all: it has ended, it is known when, and nobody removes it."""
        return self.ended is not None and self.outcome in (Outcome.SUCCEEDED, Outcome.FAILED)


class Limits(NamedTuple):
    """How long, in seconds, and how many ended runs are kept; None is no limit.

    *log_bytes* bounds what the logs of each group's runs take together.
    """

    succeeded: float = 3600.0
    failed: float = 86400.0
    keep_succeeded: int | None = None
    keep_failed: int | None = None
    log_bytes: int | None = None

    def kept(self, outcome: Outcome) -> int | None:
        """Return how many runs that ended so are kept of each group."""
        return self.keep_succeeded if outcome is Outcome.SUCCEEDED else self.keep_failed


def old(each: Ended, limits: Limits, now: float) -> bool:
    """Tell whether a run has ended longer ago than its like is kept."""
    if each.ended is None or not each.over:
        return False
    kept = limits.succeeded if each.outcome is Outcome.SUCCEEDED else limits.failed
    return now - each.ended >= kept


class Reaping:
    """Decides about one run after another; of those within their time it knows only the kept."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._now = now
        self._newest: dict[tuple[str, Outcome], list[tuple[float, str, Ended]]] = {}

    def goes(self, each: Ended) -> Ended | None:
        """Return who goes now that *each* was seen: it, an older one of its group, or nobody."""
        if each.ended is None or not each.over:
            return None
        if old(each, self._limits, self._now):
            return each
        most = self._limits.kept(each.outcome)
        if most is None:
            return None
        newest = self._newest.setdefault((each.group, each.outcome), [])
        entry = (each.ended, each.name, each)
        if len(newest) < most:
            heapq.heappush(newest, entry)
            return None
        return heapq.heappushpop(newest, entry)[2]


class LogBudget:
    """Which runs of one group stay by the bytes of their logs, asked from the newest to the oldest.

    The newest always stays: of a schedule that ran, something is there to be read.
    """

    def __init__(self, log_bytes: int) -> None:
        self.left = log_bytes
        self._used = False

    @property
    def full(self) -> bool:
        """Tell whether no older run stays, whatever its log."""
        return self.left < 0

    def stays(self, size: int) -> bool:
        """Tell whether the next older run stays, whose log has *size* bytes."""
        self.left -= size
        newest, self._used = not self._used, True
        return newest or not self.full


def newest_first(runs: Iterable[Ended]) -> list[list[Ended]]:
    """Return those that have ended, group by group, in the order that a budget asks for."""
    groups: dict[str, list[Ended]] = {}
    for each in runs:
        if each.over:
            groups.setdefault(each.group, []).append(each)
    return [
        sorted(group, key=lambda each: (each.ended, each.name), reverse=True)
        for group in groups.values()
    ]


def plan(runs: Iterable[Ended], limits: Limits, now: float) -> list[Ended]:
    """Return what goes: too old, or beyond the newest so many of its group and outcome."""
    reaping = Reaping(limits, now)
    return [gone for each in runs if (gone := reaping.goes(each)) is not None]
