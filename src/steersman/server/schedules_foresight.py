"""The launches of the next instant, made ready before it: then they are only written.

Nothing of it counts before its time, and what has changed meanwhile is decided anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.schedules import figures, fires, foreseeing
from steersman.core.schedules.fires import State
from steersman.server import schedules
from steersman.server.platform import Platform
from steersman.server.schedules_launching import asked_for
from steersman.store import schedule_alarms
from steersman.store import schedule_batches as batches
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction
from steersman.store.schedule_batches import Draft

AHEAD = 5.0
"""Seconds before an instant in which its launches are made ready."""
AT_ONCE = 500
"""So many are made ready in one go: somebody may want something else meanwhile."""
MOST = 20_000


class Foresight(NamedTuple):
    """What is ready for *instant*, and the ids of schedules that are *left* to be looked at."""

    instant: float = 0.0
    left: Sequence[str] = ()
    drafts: Sequence[Draft] = ()

    def ready(self, now: float, most: int) -> Sequence[Draft]:
        """Return some of what is to be launched, as long as it holds."""
        if now < self.instant:
            return ()
        return [each for each in self.drafts[:most] if now < each.until]

    def without(self, first: int) -> Foresight:
        """Return what is left after the first so many."""
        return self._replace(drafts=self.drafts[first:])

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


def launch(tx: Transaction, drafts: Sequence[Draft], leader: tuple[str, int], now: float) -> None:
    """Launch what was made ready and still holds."""
    claimed = fires.claimed(drafts[0].fire, *leader, now, "")
    fired = fires.fired(claimed, "", now)
    many = batches.launch(tx, drafts, fired)
    if many:
        found = {figures.state(State.FIRED): 1, **figures.lateness(now - fired.due)}
        schedule_alarms.count(tx, {word: number * many for word, number in found.items()})
