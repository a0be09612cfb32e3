"""What is decided ahead of time, so that launches need not wait for it. No I/O, and no clock.

A plan made for the very second of an instant is the one that is made within that second, as long
as the schedule and what is decided of it stay the same. Nothing of it counts before its time.
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.schedules import planning
from steersman.core.schedules.fires import Key, State
from steersman.core.schedules.planning import Plan
from steersman.core.schedules.schedule import Cursor
from steersman.cron.agenda import Agenda
from steersman.cron.launchers.base import Launcher
from steersman.cron.rows import Rows

AHEAD = 5.0
AT_ONCE = 500
"""So many schedules are looked at in one go: others may be due meanwhile."""


class Foreseen(NamedTuple):
    """The plan of a schedule whose cursor was *before*, and when it is looked at after that."""

    before: Cursor
    plan: Plan
    wake: int | None


class Foresight:
    """What will be decided at the next instant, and the names of the runs that come of it."""

    def __init__(self) -> None:
        self._instant: int | None = None
        self._left: list[str] = []
        self._found: dict[str, Foreseen] = {}
        self._names: dict[Key, str] = {}

    def clear(self) -> None:
        """Forget all of it: the schedules are others now."""
        self._instant = None
        for each in (self._left, self._found, self._names):
            each.clear()

    @property
    def more(self) -> bool:
        """Tell whether something is left to be decided ahead."""
        return bool(self._left)

    def look(self, rows: Rows, agenda: Agenda, launcher: Launcher, now: float) -> None:
        """Decide some of what comes next, if that is soon."""
        first = agenda.first()
        if first is None or not now < first <= now + AHEAD:
            self._left.clear()
            return
        if first != self._instant:
            self.clear()
            self._instant, self._left = first, list(agenda.at(first))
        for name in self._left[:AT_ONCE]:
            self._foresee(rows, name, launcher, first)
        del self._left[:AT_ONCE]

    def _foresee(self, rows: Rows, name: str, launcher: Launcher, instant: int) -> None:
        schedule, work = rows.entries[name]
        cursor = rows.cursors[name]
        if cursor.pause is not None:
            return
        plan = planning.plan(schedule, cursor, instant)
        self._found[name] = Foreseen(cursor, plan, planning.next_wake(schedule, plan.cursor))
        for row in plan.rows:
            if row.state is State.PLANNED:
                self._names[row.key] = launcher.name(work, row)

    def take(self, cursor: Cursor, now: float) -> Foreseen | None:
        """Return what was decided for this very second, if it still holds."""
        found = self._found.pop(cursor.schedule, None)
        if found is None or int(now // 1) != self._instant:
            return None
        before, plan, _ = found
        if before is cursor:
            return found
        if before.decided != cursor.decided or cursor.pause is not None:
            return None
        # Something was launched or has ended meanwhile.
        return found._replace(plan=Plan(plan.rows, cursor._replace(decided=plan.cursor.decided)))

    def name(self, key: Key) -> str | None:
        """Return the name of the first run of *key*, if it is known already."""
        return self._names.pop(key, None)
