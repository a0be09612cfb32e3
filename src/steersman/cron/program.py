"""The program: lead, look at the clock, decide, write, launch, and watch what comes of it.

Only what the ledger holds as claimed is launched, and only while we lead for sure. What was claimed
by somebody who is gone is looked up by its name, and launched if it is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from steersman.core.errors import SteersmanError, Unavailable, UserError
from steersman.core.schedules import pacing, planning
from steersman.core.schedules.fires import Fire, Outcome, Reason, State
from steersman.core.schedules.outcomes import Ending
from steersman.cron import times as clocks
from steersman.cron.answering import answer
from steersman.cron.desk import Desk, Leadership
from steersman.cron.entries import Entries
from steersman.cron.launchers.base import Impossible, Launcher, Run
from steersman.cron.leading import Leading
from steersman.cron.ledger.base import LEADING, Fenced, Ledger
from steersman.cron.logs import Event, say
from steersman.cron.times import Times
from steersman.cron.watching import Watchman

JUMP = 1.0
"""A wall's clock that moved by so many seconds against the other one has jumped."""


class Settings(NamedTuple):
    """What an admin says. *poll* is how often requests are looked for, *rate* launches a second."""

    holder: str
    leading: float = LEADING
    poll: float = 1.0
    rate: float = pacing.RATE
    tolerance: float = planning.TOLERANCE
    at_once: int = 32
    keep: float = 90 * 86400.0
    vanished: float = 30.0


class Counts:
    """What is counted since the start, for the metrics."""

    def __init__(self) -> None:
        self.by_state: dict[str, int] = {}
        self.outcomes: dict[str, int] = {}
        self.delays = 0
        self.jumps = 0
        self.lateness: list[float] = []
        self.latest = 0.0

    def row(self, fire: Fire) -> None:
        """Count a row that is over, or was launched."""
        self.by_state[fire.state] = self.by_state.get(fire.state, 0) + fire.covers


class Cron:
    """One instance. Ledger and launcher stay the caller's to close."""

    def __init__(
        self, ledger: Ledger, launcher: Launcher, settings: Settings, times: Times,
        watchman: Watchman | None = None,
    ) -> None:  # fmt: skip
        self.desk: Desk | None = None
        self.counts = Counts()
        self._ledger = ledger
        self._launcher = launcher
        self._settings = settings
        self._times = times
        self._watchman = watchman
        self._news = asyncio.Event()
        self._leading = Leading(ledger, settings.holder, times, self._news.set, settings.leading)
        self._entries: Entries = {}
        self._fresh = False
        self._seen: dict[str, Run] = {}
        self._results: list[tuple[Fire, str | SteersmanError]] = []
        self._room = asyncio.Semaphore(settings.at_once)
        self._polled = self._pruned = float("-inf")
        self._drift: float | None = None

    def configure(self, entries: Entries) -> None:
        """Go on with another configuration."""
        self._entries, self._fresh = entries, True
        self._news.set()

    def leads(self) -> bool:
        """Tell whether this instance leads."""
        return self.desk is not None and self._leading.leads()

    async def run(self) -> None:
        """Work until cancelled."""
        say(Event.CRON_STARTED, f"{self._settings.holder}, {len(self._entries)} schedules")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._leading.run())
                group.create_task(self._launcher.watch(self._changed))
                await self._work(group)
        finally:
            say(Event.CRON_STOPPED, self._settings.holder)

    async def resign(self) -> None:
        """Let another instance lead at once."""
        await self._leading.resign()

    def _changed(self, run: Run) -> None:
        self._seen[run.name] = run
        self._news.set()

    async def _work(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                wait = await self._turn(group)
            except Fenced:
                self._leading.lose("another instance leads")
                continue
            except Unavailable as error:
                say(Event.LEDGER_AWAY, str(error))
                wait = 0.5
            await clocks.soon(self._news, wait)

    async def _turn(self, group: asyncio.TaskGroup) -> float:
        """Do all that can be done now; return how long nothing will be."""
        if not self._leading.leads():
            self.desk = None
            return _patience(self._settings)
        desk = await self._at_desk()
        now = self._times.now()
        self._look_at_clock(now)
        done = await self._requests(desk, now)
        self._take_results(desk, now)
        self._take_seen(desk, now)
        runs = self._launcher.runs()
        desk.step(now, runs, self._launcher, self._settings.tolerance)
        await self._save(desk, done)
        if not self._leading.leads():
            return 0.0
        for fire in desk.launches(now):
            group.create_task(self._launch(desk, fire))
        for name in desk.stops:
            group.create_task(self._stop(name))
        desk.stops.clear()
        await self._now_and_then(desk, now)
        # What came meanwhile must not wait for the next alarm clock.
        busy = self._results or self._seen
        return 0.0 if busy else min(desk.wait(self._times.now()), self._settings.poll)

    async def _at_desk(self) -> Desk:
        """Return our mind, after a take-over made of what the ledger holds."""
        fence = self._leading.fence
        desk, now = self.desk, self._times.now()
        if desk is None or desk.leadership.fence != fence:
            loaded = await self._ledger.load()
            leadership = Leadership(self._settings.holder, fence)
            rate = self._settings.rate
            desk = Desk(leadership, loaded, pacing.Pace(rate, rate, now))
            self._fresh = True
            self._results.clear()
            # Whatever ended while nobody led is news to us.
            self._seen = dict(self._launcher.runs())
        if self._fresh:
            desk.configure(self._entries, now, self._settings.tolerance)
            self._fresh = False
        self.desk = desk
        return desk

    def _look_at_clock(self, now: float) -> None:
        drift = now - self._times.elapsed()
        if self._drift is not None and abs(drift - self._drift) > JUMP:
            self.counts.jumps += 1
            say(Event.CLOCK_JUMPED, f"by {drift - self._drift:+.1f} s")
        self._drift = drift

    async def _requests(self, desk: Desk, now: float) -> list[str]:
        elapsed = self._times.elapsed()
        since = elapsed - self._polled
        # What is due goes first; a request waits a moment, but not for ever.
        busy = desk.wait(now) <= 0 and since < 5 * self._settings.poll
        if since < self._settings.poll or busy:
            return []
        self._polled = elapsed
        done = []
        for request in await self._ledger.requests():
            await answer(desk, self._ledger, request, now, self._settings.tolerance)
            done.append(request.id)
        return done

    async def _save(self, desk: Desk, done: list[str]) -> None:
        changes = desk.changes(done)
        if not changes:
            return
        await self._ledger.write(desk.leadership.fence, changes)
        desk.written(changes)
        for row in changes.rows:
            self._tell(row)

    def _tell(self, row: Fire) -> None:
        if row.state in (State.SKIPPED, State.MISSED):
            self.counts.row(row)
            event = Event.INSTANT_MISSED if row.state is State.MISSED else Event.INSTANT_SKIPPED
            say(event, f"{row.schedule} at {row.instant} ({row.covers}): {row.message}")

    # -- launches --------------------------------------------------------------------------------

    async def _launch(self, desk: Desk, fire: Fire) -> None:
        """Launch what is claimed, if we still lead; the result is taken at the next turn."""
        result: str | SteersmanError
        async with self._room:
            if self.desk is not desk or not self._leading.leads():
                # Somebody may be launching it already: what is so is read anew.
                self.desk = None if self.desk is desk else self.desk
                self._news.set()
                return
            try:
                result = await self._started(desk, fire)
            except SteersmanError as error:
                result = error
        if self.desk is desk:
            self._results.append((fire, result))
            self._news.set()

    async def _started(self, desk: Desk, fire: Fire) -> str:
        now = self._times.now()
        if desk.over(fire, now):
            found = await self._launcher.find(fire.run)
            if found is not None and found.key == fire.key:
                return found.uid
            why = fire.message or "its deadline was over"
            raise Impossible(f"its time is over: {why}")
        return await self._launcher.launch(desk.entries[fire.schedule].work, fire)

    def _take_results(self, desk: Desk, now: float) -> None:
        results, self._results = self._results, []
        for fire, result in results:
            if isinstance(result, str):
                new = desk.launched(fire.key, result, now)
                if new is not None:
                    self._count_launch(new)
                    # It may have ended while its launch was on its way.
                    run = self._launcher.runs().get(new.run)
                    if run is not None:
                        self._seen[run.name] = run
            elif isinstance(result, (Impossible, UserError)):
                over = desk.over(fire, now)
                reason = Reason.TOO_LATE if over else Reason.REFUSED
                desk.given_up(fire.key, reason, str(result), now)
            else:
                self.counts.delays += 1
                say(Event.LAUNCH_DELAYED, f"{fire.run}: {result}")
                desk.delayed(fire.key, str(result), now)

    def _count_launch(self, fire: Fire) -> None:
        late = (fire.launched or fire.due) - fire.due
        self.counts.row(fire)
        self.counts.latest = max(self.counts.latest, late)
        self.counts.lateness.append(late)
        del self.counts.lateness[:-10_000]
        say(Event.LAUNCHED, f"{fire.run} for {fire.schedule} at {fire.instant}, {late:.3f} s late")

    async def _stop(self, name: str) -> None:
        try:
            await self._launcher.stop(name)
        except SteersmanError as error:
            say(Event.CLUSTER_AWAY, f"cannot end {name}: {error}")

    # -- runs ------------------------------------------------------------------------------------

    def _take_seen(self, desk: Desk, now: float) -> None:
        seen, self._seen = self._seen, {}
        for run in seen.values():
            row = desk.seen(run, now)
            if row is not None:
                self._told_ended(desk, row, run)

    def _told_ended(self, desk: Desk, row: Fire, run: Run) -> None:
        self.counts.outcomes[run.outcome] = self.counts.outcomes.get(run.outcome, 0) + 1
        if run.outcome is Outcome.LOST:
            say(Event.RUN_LOST, f"{run.name}: {run.message}")
            # What cannot be reached is asked to end all the same.
            desk.stops.append(run.name)
        else:
            say(Event.RUN_ENDED, f"{run.name} {run.outcome} {run.message}")
        cursor = desk.cursors.get(row.schedule)
        if cursor is not None and cursor.pause is not None and cursor.pause.since == row.ended:
            say(Event.SCHEDULE_STOPPED, f"{row.schedule}: {cursor.pause.reason}")

    async def _now_and_then(self, desk: Desk, now: float) -> None:
        if self._watchman is not None:
            await self._watchman.look(desk, now)
        elapsed = self._times.elapsed()
        if elapsed - self._pruned < 60.0:
            return
        self._pruned = elapsed
        await self._ledger.prune(desk.leadership.fence, now - self._settings.keep)
        await self._vanished(desk, now)

    async def _vanished(self, desk: Desk, now: float) -> None:
        """End the rows of runs that somebody removed before we saw their end."""
        known: Mapping[str, Any] = self._launcher.runs()
        for fire in list(desk.open.values()):
            old = now - (fire.launched or now) > self._settings.vanished
            if fire.state is State.FIRED and old and fire.run not in known:
                found = await self._launcher.find(fire.run)
                if found is None and desk.open.get(fire.key) is fire:
                    why = "it was removed before its end was seen"
                    desk.ended(fire, Ending(Outcome.UNKNOWN, now, why), now)


def _patience(settings: Settings) -> float:
    """Return how long an instance that does not lead waits to look again."""
    return settings.leading
