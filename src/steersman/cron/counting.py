"""What an instance counts since its start, for the metrics, and the lines that go with it."""

from __future__ import annotations

from collections import deque

from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.cron.logs import Event, say

KEPT = 10_000
"""How many launches are remembered with their lateness."""


class Counts:
    """Instants by state, runs by outcome, launches by lateness."""

    def __init__(self) -> None:
        self.by_state: dict[str, int] = {}
        self.outcomes: dict[str, int] = {}
        self.delays = 0
        self.jumps = 0
        self.lateness: deque[float] = deque(maxlen=KEPT)
        self.latest = 0.0

    def launch(self, fire: Fire) -> None:
        """Count a launch that went through."""
        late = (fire.launched or fire.due) - fire.due
        self._row(fire)
        self.latest = max(self.latest, late)
        self.lateness.append(late)
        say(Event.LAUNCHED, f"{fire.run} for {fire.schedule} at {fire.instant}, {late:.3f} s late")

    def delay(self, fire: Fire, why: str) -> None:
        """Count a launch that found nobody."""
        self.delays += 1
        say(Event.LAUNCH_DELAYED, f"{fire.run}: {why}")

    def not_launched(self, row: Fire) -> None:
        """Count instants that were skipped or missed."""
        self._row(row)
        event = Event.INSTANT_MISSED if row.state is State.MISSED else Event.INSTANT_SKIPPED
        say(event, f"{row.schedule} at {row.instant} ({row.covers}): {row.message}")

    def outcome(self, outcome: Outcome) -> None:
        """Count the end of a run."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def jump(self, seconds: float) -> None:
        """Count a leap of the wall's clock."""
        self.jumps += 1
        say(Event.CLOCK_JUMPED, f"by {seconds:+.1f} s")

    def _row(self, row: Fire) -> None:
        self.by_state[row.state] = self.by_state.get(row.state, 0) + row.covers
