"""Which folders of earlier runs may go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

KEEP = 2
"""So many runs are kept whatever their age."""
MAX_AGE = 24 * 3600.0
"""Seconds after which the others go."""


class OldRun(NamedTuple):
    """A folder below `builds/`; *modified* is seconds since the epoch."""

    name: str
    modified: float


def plan(
    runs: Iterable[OldRun],
    *,
    now: float,
    referenced: frozenset[str] = frozenset(),
    keep: int = KEEP,
    max_age: float = MAX_AGE,
) -> list[str]:
    """Name the runs to delete: older than *max_age*, not *referenced*, not the newest *keep*."""
    by_age = sorted(runs, key=lambda run: run.modified, reverse=True)
    return [
        run.name
        for run in by_age[keep:]
        if now - run.modified > max_age and run.name not in referenced
    ]
