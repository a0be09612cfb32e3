"""Launches what is due by the schedules of all projects: one server does, the others stand by.

A turn is one transaction, which holds the row of leadership: an instant becomes a row, its trigger
and the row's end together or not at all, so nothing is lost by a server that dies, and nothing is
doubled by one that wakes up late. The trigger's key says the same once more.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from math import inf
from typing import NamedTuple

from steersman.core.errors import SteersmanError, UserError
from steersman.core.schedules import pacing
from steersman.core.schedules.pacing import Pace
from steersman.server import schedules
from steersman.server import schedules_foresight as foresights
from steersman.server.platform import Platform
from steersman.server.schedules_book import Book
from steersman.server.schedules_foresight import Foresight, Leader
from steersman.server.schedules_launching import Agenda, Table
from steersman.store import schedule_launches as launches
from steersman.store import schedule_leaders as leaders
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

LEADING = 10.0
"""Seconds until another server leads when the one that does is silent."""
LOOK = LEADING / 4
"""Seconds between two turns in which nothing comes."""
RUNNING_LOOK = 1.0
"""Seconds between two looks at how runs go."""
WATCH = 10.0
"""Seconds between two looks for alarms."""
BATCH = 1000
KEPT = 90 * 86400.0
PRUNE = 3600.0
log = logging.getLogger("steersman.server")


class Turn(NamedTuple):
    """What one turn came to: whether we lead, and seconds until the next.

    *soon*: the next instant is so near that its launches may be made ready.
    """

    leads: bool
    wait: float
    soon: bool = False


class Mind(NamedTuple):
    """What a leader remembers from one turn to the next.

    That is its pace and number, what has no room yet, what is ready for the next instant, and when
    it did what it does not do each time.
    """

    pace: Pace
    fence: int = 0
    agenda: Agenda | None = None
    foresight: Foresight = foresights.NOTHING
    ended: float = 0.0
    pruned: float = 0.0
    watched: float = 0.0


class Scheduler:
    """One server's share in launching; all times are those of the store, or given."""

    def __init__(self, platform: Platform, rate: float = pacing.RATE) -> None:
        self._parts = platform
        self.me = platform.clock.new_id()
        self._mind = Mind(Pace(rate, rate))

    async def run(self) -> None:
        """Launch whatever comes, for as long as this runs."""
        woken, time = asyncio.Event(), asyncio.get_running_loop().time
        stop = self._parts.store.waking.listen(rows.CHANGED, woken.set)
        try:
            while True:
                fresh = woken.is_set()
                woken.clear()
                until = time() + LOOK
                try:
                    # Where nothing is scheduled, nothing is written either.
                    if await self._parts.store.read(launches.anything):
                        turn = await self.turn(fresh=fresh)
                        until = time() + turn.wait
                        more = turn.soon
                        while more and time() < until and not woken.is_set():
                            more = await self.foresee()
                except SteersmanError as error:
                    log.warning("scheduling_failed: %s", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await woken.wait()
        finally:
            stop()

    async def turn(self, now: float | None = None, *, fresh: bool = True) -> Turn:
        """Decide and launch what has come by *now*, if we lead.

        Unless *fresh*, what was found ready a moment ago and had no room is not looked for again.
        What was made ready before its time goes first, as long as nobody else waits.
        """
        mind, before = self._mind, inf
        if mind.foresight.drafts and mind.agenda is None:
            leader = Leader(self.me, mind.fence, mind.pace)
            launched = await foresights.launch(self._parts, mind.foresight, leader, now)
            if launched is not None and not launched.early:
                self._mind = mind._replace(foresight=launched.left, pace=launched.pace)
                return Turn(leads=True, wait=0.0)
            before = mind.foresight.instant if launched is not None else inf
        turn, self._mind = await self._parts.store.rewrite(
            lambda tx: self._turn(tx, now, before, fresh=fresh)
        )
        return turn

    async def foresee(self, now: float | None = None) -> bool:
        """Make some launches of the next instant ready; tell whether there are more of them."""
        rate = self._mind.pace.rate
        # What has no room at once is decided when its time has come, fair between projects.
        most = min(int(rate), foresights.MOST) if rate > 0 else foresights.MOST
        found = await foresights.look(self._parts, self._mind.foresight, most, now)
        self._mind = self._mind._replace(foresight=found)
        return bool(found.left)

    async def resign(self) -> None:
        """Let another server lead at once."""
        await self._parts.store.write(lambda tx: leaders.resign(tx, self.me, tx.now))

    def _turn(
        self, tx: Transaction, given: float | None, before: float, *, fresh: bool
    ) -> tuple[Turn, Mind]:
        """Do what is to be done *before* then: what has come by then goes first."""
        now, mind = tx.now if given is None else given, self._mind
        fence = leaders.lead(tx, self.me, LEADING, now)
        if fence is None:
            mind = mind._replace(agenda=None, foresight=foresights.NOTHING)
            return Turn(leads=False, wait=LOOK), mind
        mind = mind._replace(fence=fence)
        if now >= before:
            return Turn(leads=True, wait=0.0), mind
        table = Table(self._parts, (self.me, fence), tx, now)
        due = rows.due(tx, now, BATCH)
        for row in due:
            _decide(tx, table.book, row, now)
        if now - mind.pruned > PRUNE:
            mind = mind._replace(pruned=now)
            ledgers.prune(tx, now - KEPT)
        if fresh or not 0 <= now - mind.ended < RUNNING_LOOK:
            mind = mind._replace(ended=now)
            table.end_all()
        agenda = mind.agenda
        if fresh or agenda is None or not 0 <= now - agenda.at < RUNNING_LOOK:
            agenda = table.look()
        chosen, pace = pacing.pick(mind.pace, agenda.ready, now)
        table.launch(chosen, agenda)
        if not 0 <= now - mind.watched < WATCH:
            mind = mind._replace(watched=now)
            table.watch()
        table.book.close()
        agenda = agenda.without(chosen)
        mind = mind._replace(
            pace=pace,
            agenda=agenda if agenda.ready else None,
            foresight=mind.foresight.after(now),
        )
        if len(due) == BATCH:
            return Turn(leads=True, wait=0.0), mind
        return _until_next(tx, now, mind, agenda), mind


def _until_next(tx: Transaction, now: float, mind: Mind, agenda: Agenda) -> Turn:
    """Return when there is something to do again."""
    wake, times = rows.next_wake(tx), [now + LOOK]
    times += [mind.ended + RUNNING_LOOK] if agenda.goes_on else []
    times += [each for each in (wake, ledgers.next_due(tx)) if each and each > now]
    room = pacing.wait(mind.pace, len(agenda.ready), now)
    times += [] if room is None else [now + room]
    soon = wake is not None and wake <= now + foresights.AHEAD
    return Turn(leads=True, wait=max(0.0, min(times) - now), soon=soon)


def _decide(tx: Transaction, book: Book, row: Row, now: float) -> None:
    """Decide one schedule; one that this version cannot read keeps no other one back."""
    try:
        schedules.decide(book, row, now)
    except UserError as error:
        log.error("schedule_unreadable: %s: %s", row["name"], error)
        rows.change(tx, row["id"], {"wake": None})
