"""Who may be launched while others run.

A *lane* is one schedule, or all of one group. What waits there is looked at in order, each by its
own policy. A run that was lost, or that does not end on a node that is sick, holds up nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from steersman.core.schedules.fires import Fire, Key, Reason
from steersman.core.schedules.schedule import Overlap, Overlapping

TERMINATING = 120.0
"""Seconds a run may take to end on a sick node before it holds up nobody any more."""


class Running(NamedTuple):
    """A run that has not ended, as the cluster shows it."""

    key: Key
    run: str
    lost: bool = False
    sick: bool = False
    terminating: float | None = None

    def blocks(self, now: float) -> bool:
        """Tell whether it keeps its successors waiting."""
        if self.lost:
            return False
        stuck = self.terminating is not None and now - self.terminating > TERMINATING
        return not (self.sick and stuck)


class Waiting(NamedTuple):
    """An instant whose time has come."""

    fire: Fire
    overlap: Overlap


class Skip(NamedTuple):
    """It is never launched."""

    fire: Fire
    reason: Reason
    message: str


class Verdict(NamedTuple):
    """What is launched now, what is skipped, which runs are ended for it; the rest waits."""

    launch: tuple[Fire, ...] = ()
    skip: tuple[Skip, ...] = ()
    stop: tuple[Running, ...] = ()


def admit(waiting: Iterable[Waiting], running: Iterable[Running], now: float) -> Verdict:
    """Decide about one lane, in order of *waiting*, as if each came after the one before it."""
    lane = _Lane([run for run in running if run.blocks(now)])
    ordered = sorted(waiting, key=lambda each: (each.fire.due, each.fire.instant))
    newest = {each.fire.schedule: each.fire.key for each in ordered}
    for each in ordered:
        lane.take(each, newest=newest[each.fire.schedule] == each.fire.key)
    return Verdict(tuple(lane.launch), tuple(lane.skip), tuple(lane.stop))


class _Lane:
    """What was decided so far about a lane."""

    def __init__(self, running: list[Running]) -> None:
        self.running = running
        self.launch: list[Fire] = []
        self.skip: list[Skip] = []
        self.stop: list[Running] = []
        self.exclusive: str | None = None
        self.held = 0

    def take(self, each: Waiting, *, newest: bool) -> None:
        fire, (kind, most) = each
        if kind is Overlapping.ALLOW:
            self._launch(fire)
            return
        if kind is Overlapping.REPLACE:
            self._replace(fire, newest=newest)
            return
        before = self._before()
        if before is None and not self.held:
            self._launch(fire)
        elif kind is Overlapping.FORBID:
            self._skip(fire, Reason.OVERLAP, f"{before or 'an earlier instant'} was not over")
        elif self.held >= (1 if kind is Overlapping.BUFFER_ONE else most):
            self._skip(fire, Reason.BUFFER_FULL, f"{self.held} waited already, and no more may")
        else:
            self.held += 1

    def _replace(self, fire: Fire, *, newest: bool) -> None:
        if not newest:
            self._skip(fire, Reason.SUPERSEDED, "a newer instant came before it was launched")
            return
        self.stop += [run for run in self.running if run not in self.stop]
        for earlier in self.launch:
            self._skip(earlier, Reason.SUPERSEDED, f"{fire.schedule} replaces what is before it")
        self.launch.clear()
        self._launch(fire)

    def _before(self) -> str | None:
        """Return who is in the way."""
        if self.exclusive is not None:
            return self.exclusive
        left = [run for run in self.running if run not in self.stop]
        return left[0].run if left else None

    def _launch(self, fire: Fire) -> None:
        self.launch.append(fire)
        self.exclusive = f"the run of {fire.schedule} at {fire.instant}"

    def _skip(self, fire: Fire, reason: Reason, message: str) -> None:
        self.skip.append(Skip(fire, reason, message))
