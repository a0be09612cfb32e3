"""The launches of the next instant, made ready before it: then they are only written.

Nothing of it counts before its time, and what has changed meanwhile is decided anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.schedules import figures, fires, foreseeing, pacing
from steersman.core.schedules.fires import State
from steersman.core.schedules.pacing import Pace
from steersman.server import schedules
from steersman.server.platform import Platform
from steersman.server.schedules_launching import asked_for
from steersman.store import schedule_alarms
from steersman.store import schedule_batches as batches
from steersman.store import schedule_leaders as leaders
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction
from steersman.store.schedule_batches import Draft

AHEAD = 5.0
"""Seconds before an instant in which its launches are made ready."""
AT_ONCE = 500
"""So many are made ready in one go: somebody may want something else meanwhile."""
MOST = 20_000
BATCH = 1000
"""So many are written in one transaction."""
LANES = 2
"""So many transactions write at once where the database does as well."""


class Foresight(NamedTuple):
    """What is ready for *instant*, and the ids of schedules that are *left* to be looked at."""

    instant: float = 0.0
    left: Sequence[str] = ()
    drafts: Sequence[Draft] = ()

    def after(self, now: float) -> Foresight:
        """Return what still matters after all was decided that had come by *now*."""
        return self if now < self.instant else NOTHING


NOTHING = Foresight()


async def look(
    parts: Platform, known: Foresight, most: int, given: float | None = None
) -> Foresight:
    """Make some of the launches ready that come next, if that is soon and there is room for all."""

    def looked(tx: Transaction) -> Foresight:
        now, wake = tx.now if given is None else given, rows.next_wake(tx)
        if wake is None or not now < wake <= now + AHEAD:
            return NOTHING
        if wake == known.instant:
            return _more(parts, tx, known)
        found = batches.due_at(tx, wake, most + 1)
        return _more(parts, tx, Foresight(wake, found if len(found) <= most else ()))

    return await parts.store.scan(looked)


def _more(parts: Platform, tx: Transaction, known: Foresight) -> Foresight:
    """Make ready some of what is left."""
    found = batches.named(tx, known.left[:AT_ONCE]) if known.left else []
    drafts = [draft for row in found if (draft := _draft(parts, row, known.instant)) is not None]
    return Foresight(known.instant, known.left[AT_ONCE:], [*known.drafts, *drafts])


def _draft(parts: Platform, row: Row, instant: float) -> Draft | None:
    """Return what will be launched, None where that is to be decided at its time."""
    try:
        schedule = schedules.read(row)
    except UserError:
        return None
    foreseen = foreseeing.foresee(schedule, rows.cursor(row), int(instant))
    if foreseen is None:
        return None
    return batches.draft(row, foreseen, asked_for(foreseen.fire, row, parts.clock.new_id()))


class Leader(NamedTuple):
    """Who launches, under which number, and at which pace."""

    name: str
    fence: int
    pace: Pace


class Launched(NamedTuple):
    """What is left, and the pace after what was launched; *early*: it was not yet time for it."""

    left: Foresight
    pace: Pace
    early: bool = False


async def launch(
    parts: Platform, known: Foresight, leader: Leader, given: float | None = None
) -> Launched | None:
    """Launch some of what is ready, None where it is too late or without room, or another leads."""
    lanes = LANES if parts.store.postgres else 1
    ready = [known.drafts[lane * BATCH : (lane + 1) * BATCH] for lane in range(lanes)]
    many = sum(map(len, ready))

    def written(tx: Transaction, drafts: Sequence[Draft]) -> float | None:
        now = tx.now if given is None else given
        if now < known.instant:
            return now
        held = [each for each in drafts if now < each.until]
        if not held or not leaders.leads(tx, leader[:2], now):
            return None
        if pacing.at_once(leader.pace, many, now) is None:
            return None
        _launch(tx, held, leader, now)
        return now

    works = [partial(written, drafts=each) for each in ready if each]
    moments = await asyncio.gather(*map(parts.store.rewrite, works))
    now = max((each for each in moments if each is not None), default=None)
    if now is not None and now < known.instant:
        return Launched(known, leader.pace, early=True)
    pace = None if now is None else pacing.at_once(leader.pace, many, now)
    return None if pace is None else Launched(known._replace(drafts=known.drafts[many:]), pace)


def _launch(tx: Transaction, drafts: Sequence[Draft], leader: Leader, now: float) -> None:
    claimed = fires.claimed(drafts[0].fire, leader.name, leader.fence, now, "")
    fired = fires.fired(claimed, "", now)
    many = batches.launch(tx, drafts, fired)
    if many:
        found = {figures.state(State.FIRED): 1, **figures.lateness(now - fired.due)}
        schedule_alarms.count(tx, {word: number * many for word, number in found.items()})
