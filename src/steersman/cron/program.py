"""The program: lead, look at the clock, decide, write, launch, and watch what comes of it.

Only what the ledger holds as claimed is launched, and only while we lead for sure. What was claimed
by somebody who is gone is looked up by its name, and launched if it is not there.
"""

from __future__ import annotations

import asyncio
import gc

from steersman.core.errors import SteersmanError, Unavailable
from steersman.core.schedules import pacing
from steersman.core.schedules.fires import State
from steersman.cron import times as clocks
from steersman.cron.answering import answer
from steersman.cron.counting import Counts
from steersman.cron.desk import Desk, Leadership
from steersman.cron.entries import Entries
from steersman.cron.following import Following
from steersman.cron.launchers.base import Launcher
from steersman.cron.leading import Leading
from steersman.cron.ledger.base import Fenced, Ledger
from steersman.cron.logs import Event, say
from steersman.cron.sending import Sending
from steersman.cron.settings import Settings
from steersman.cron.times import Times
from steersman.cron.watching import Watchman

JUMP = 1.0
"""A wall's clock that moved by so many seconds against the other one has jumped."""


def collect_seldom() -> None:
    """Let Python look less often for objects that only hold each other: rows never do.

    Of ten thousand launches at once a third of the time would be spent on looking.
    """
    gc.set_threshold(50_000, 20, 50)


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
        news = self._news.set
        self._leading = Leading(ledger, settings.holder, times, news, settings.leading)
        self._sending = Sending(launcher, times, settings.at_once, self._may_launch, news)
        self._following = Following(launcher, self.counts, news)
        self._entries: Entries = {}
        self._fresh = False
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
                group.create_task(self._launcher.watch(self._following.changed))
                await self._work(group)
        finally:
            say(Event.CRON_STOPPED, self._settings.holder)

    async def resign(self) -> None:
        """Let another instance lead at once."""
        await self._leading.resign()

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
        settings = self._settings
        if not self._leading.leads():
            self.desk = None
            # So long nobody else's term can end unseen.
            return settings.leading
        desk = await self._at_desk()
        now = self._times.now()
        self._look_at_clock(now)
        await self._requests(desk, now)
        for fire in self._sending.take(desk, self.counts, now):
            self._following.again(fire)
        self._following.take(desk, now)
        desk.step(now, self._launcher.runs(), self._launcher, settings.tolerance)
        await self._save(desk)
        if not self._leading.leads():
            return 0.0
        self._sending.put(group, desk, desk.claims.due(now))
        for name in desk.stops:
            group.create_task(self._stop(name))
        desk.stops.clear()
        await self._now_and_then(group, desk, now)
        # What came meanwhile must not wait for the next alarm clock.
        if self._sending.results or self._following:
            return 0.0
        return min(desk.wait(self._times.now()), settings.poll)

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
            self._following.begin()
        if self._fresh:
            desk.configure(self._entries, now, self._settings.tolerance)
            self._fresh = False
        self.desk = desk
        return desk

    def _look_at_clock(self, now: float) -> None:
        drift = now - self._times.elapsed()
        if self._drift is not None and abs(drift - self._drift) > JUMP:
            self.counts.jump(drift - self._drift)
        self._drift = drift

    async def _requests(self, desk: Desk, now: float) -> None:
        elapsed = self._times.elapsed()
        since = elapsed - self._polled
        # What is due goes first; a request waits a moment, but not for ever.
        busy = desk.wait(now) <= 0 and since < 5 * self._settings.poll
        if since < self._settings.poll or busy:
            return
        self._polled = elapsed
        for request in await self._ledger.requests():
            await answer(desk, self._ledger, request, now, self._settings.tolerance)

    async def _save(self, desk: Desk) -> None:
        changes = desk.rows.changes()
        if not changes:
            return
        await self._ledger.write(desk.leadership.fence, changes)
        desk.rows.written(changes)
        for row in changes.rows:
            if row.state in (State.SKIPPED, State.MISSED):
                self.counts.not_launched(row)

    def _may_launch(self, desk: Desk) -> bool:
        """Tell whether *desk* leads for sure; if not, somebody else may launch its rows already."""
        if self.desk is desk and self._leading.leads():
            return True
        if self.desk is desk:
            # What is so is read anew.
            self.desk = None
        self._news.set()
        return False

    async def _stop(self, name: str) -> None:
        try:
            await self._launcher.stop(name)
        except SteersmanError as error:
            say(Event.CLUSTER_AWAY, f"cannot end {name}: {error}")

    async def _now_and_then(self, group: asyncio.TaskGroup, desk: Desk, now: float) -> None:
        desk.foresee(self._times.now(), self._launcher)
        if self._watchman is not None:
            await self._watchman.look(desk, now)
        elapsed = self._times.elapsed()
        if elapsed - self._pruned < 60.0:
            return
        self._pruned = elapsed
        await self._ledger.prune(desk.leadership.fence, now - self._settings.keep)
        # Beside everything else: thousands may be asked for, one after the other.
        group.create_task(self._clean(desk))

    async def _clean(self, desk: Desk) -> None:
        """Close the rows of runs that are gone, and let go of runs that no row needs."""
        try:
            await self._following.vanished(desk, self._times.now, self._settings.vanished)
            rows = desk.rows
            # What the ledger does not have yet may be decided again, by what is seen of the run.
            needed = {fire.run for fire in (*rows.open.values(), *rows.changes().rows)}
            await self._launcher.tidy(needed)
        except SteersmanError as error:
            say(Event.CLUSTER_AWAY, str(error))
