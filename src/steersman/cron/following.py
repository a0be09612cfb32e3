"""Takes in how runs go: what was seen of them, and that some are gone without having been seen."""

from __future__ import annotations

from collections.abc import Callable

from steersman.core.schedules.fires import Fire, Outcome, State
from steersman.core.schedules.outcomes import Ending
from steersman.cron.counting import Counts
from steersman.cron.desk import Desk
from steersman.cron.launchers.base import Launcher, Run
from steersman.cron.logs import Event, say


class Following:
    """The newest state of each run that changed; *news* says that there is one."""

    def __init__(self, launcher: Launcher, counts: Counts, news: Callable[[], None]) -> None:
        self._launcher = launcher
        self._counts = counts
        self._news = news
        self._seen: dict[str, Run] = {}

    def __bool__(self) -> bool:
        return bool(self._seen)

    def changed(self, run: Run) -> None:
        """Hear of a run from the launcher."""
        self._seen[run.name] = run
        self._news()

    def begin(self) -> None:
        """Take all that is known as new: it may have ended while nobody led."""
        self._seen = dict(self._launcher.runs())

    def again(self, fire: Fire) -> None:
        """Look at a run that was just launched: it may have ended while that was on its way."""
        run = self._launcher.runs().get(fire.run)
        if run is not None:
            self._seen[run.name] = run

    def take(self, desk: Desk, now: float) -> None:
        """Let *desk* know all that was seen."""
        seen, self._seen = self._seen, {}
        for run in seen.values():
            row = desk.seen(run, now)
            if row is not None:
                self._ended(desk, row, run)

    def _ended(self, desk: Desk, row: Fire, run: Run) -> None:
        self._counts.outcome(run.outcome)
        if run.outcome is Outcome.LOST:
            say(Event.RUN_LOST, f"{run.name}: {run.message}")
            # What cannot be reached is asked to end all the same.
            desk.stops.append(run.name)
        else:
            say(Event.RUN_ENDED, f"{run.name} {run.outcome} {run.message}")
        cursor = desk.rows.cursors.get(row.schedule)
        if cursor is not None and cursor.pause is not None and cursor.pause.since == row.ended:
            say(Event.SCHEDULE_STOPPED, f"{row.schedule}: {cursor.pause.reason}")

    async def vanished(self, desk: Desk, now: Callable[[], float], after: float) -> None:
        """End the rows of runs that somebody removed before we saw their end."""
        for fire in list(desk.rows.open.values()):
            if fire.state is not State.FIRED or now() - (fire.launched or now()) <= after:
                continue
            if fire.run in self._launcher.runs() or await self._launcher.find(fire.run) is not None:
                continue
            if desk.rows.open.get(fire.key) is fire:
                why = "it was removed before its end was seen"
                desk.ended(fire, Ending(Outcome.UNKNOWN, now(), why), now())
                self._news()
