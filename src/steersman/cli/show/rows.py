"""The rows of an attempt's steps, as its events change them: what a tree on a terminal draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.core import events
from steersman.core.steps import Phase, Result, State, short_seconds


@dataclass(slots=True)
class Row:
    """A line of the tree. *started* is a time of the console's clock."""

    name: str
    phase: Phase
    state: State = State.PENDING
    started: float = 0.0
    seconds: float = 0.0
    message: str = ""

    def time(self, now: float) -> str:
        """Say how long it has taken, or took."""
        if self.state is State.RUNNING:
            return short_seconds(now - self.started)
        return "" if self.state is State.PENDING else short_seconds(self.seconds)


class Rows:
    """All rows of one attempt, in the order in which they run."""

    def __init__(self) -> None:
        self.all: list[Row] = []

    def begun(self, event: events.RunStarted) -> None:
        self.all = [Row(name, Phase.MAIN) for name in event.steps]
        self.all += [Row(name, Phase.AFTER) for name in event.after_steps]

    def opened(self, event: events.StepStarted, now: float) -> None:
        """Let the row of a step run; steps of ours have none before they begin."""
        wanted = (event.name, event.phase)
        pending = (row for row in self.all if row.state is State.PENDING)
        row = next((row for row in pending if (row.name, row.phase) == wanted), None)
        if row is None:
            row = Row(event.name, event.phase)
            at = 0 if event.phase is Phase.SETUP else self._after_the_main_steps()
            self.all.insert(at, row)
        row.state, row.started = State.RUNNING, now

    def _after_the_main_steps(self) -> int:
        return sum(row.phase is not Phase.AFTER for row in self.all)

    def closed(self, result: Result) -> None:
        for row in self.all:
            if row.state is State.RUNNING:
                row.state, row.seconds, row.message = result.state, result.seconds, result.message

    @property
    def running(self) -> Row | None:
        return next((row for row in self.all if row.state is State.RUNNING), None)

    def around(self, room: int) -> Sequence[Row]:
        """Return the rows around the running step, when all of them are too many."""
        at = next((i for i, row in enumerate(self.all) if row.state is State.RUNNING), 0)
        first = max(0, min(at - room // 2, len(self.all) - room))
        return self.all[first : first + room]
