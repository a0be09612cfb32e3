"""What a leader knows: its configuration, cursors and open rows, and what the ledger lacks of them.

Everything that changes is kept until the ledger has it. No I/O, and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from steersman.core.schedules.alarms import Raised, What
from steersman.core.schedules.fires import Fire, Key, State
from steersman.core.schedules.schedule import Cursor, Schedule
from steersman.cron.entries import Entries
from steersman.cron.lanes import Lanes, lane_of
from steersman.cron.ledger.base import Changes, Loaded


class Rows:
    """Open rows by their keys, cursors by their schedules; *missed* is the last one of each.

    *missed_before* are alarms of misses that a leader before us told, and whose rows are over.
    *answered* are requests that are carried out, and the ledger does not have that yet. *told* are
    the alarms that somebody was told of, by their keys.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.entries: Entries = {}
        self.cursors = {each.schedule: each for each in loaded.cursors}
        self.open = {each.key: each for each in loaded.open}
        self.missed: dict[str, Fire] = {}
        self.answered: set[str] = set()
        self.told = {each.alarm.key: each for each in loaded.told}
        self.missed_before = {
            each.alarm.schedule: each.alarm for each in loaded.told if self._holds(each)
        }
        self.lanes = Lanes()
        self._rows: dict[Key, Fire] = {}
        self._changed: dict[str, Cursor] = {}
        self._forgotten: set[str] = set()
        self._telling = 0
        self._told: tuple[Raised, ...] | None = None

    def _holds(self, told: Raised) -> bool:
        """Tell whether the miss that was told is the newest thing known of its schedule."""
        cursor = self.cursors.get(told.alarm.schedule)
        success = (cursor.last_success if cursor else None) or 0.0
        return told.alarm.what is What.MISSED and success <= told.at

    def lane(self, schedule: str) -> str | None:
        """Return the lane of the schedule of that name."""
        entry = self.entries.get(schedule)
        return None if entry is None else lane_of(entry.schedule)

    def go_on(self, key: Key, fire: Fire) -> None:
        """Take an open row as it is from now on; its lane is the caller's."""
        self._rows[key] = self.open[key] = fire

    def put(self, fire: Fire) -> None:
        """Take a row as it is from now on."""
        key, is_open, state = fire.key, fire.open, fire.state
        self._rows[key] = fire
        if is_open:
            self.open[key] = fire
        else:
            self.open.pop(key, None)
        if state is State.MISSED:
            self.missed[fire.schedule] = fire
            self.missed_before.pop(fire.schedule, None)
        if not is_open or state is State.PLANNED:
            self.lanes.leave(self.lane(fire.schedule), key)

    def succeeded(self, schedule: str) -> None:
        """Forget what was missed before a success."""
        self.missed.pop(schedule, None)
        self.missed_before.pop(schedule, None)

    def move(self, cursor: Cursor) -> None:
        """Take a cursor as it is from now on."""
        self.cursors[cursor.schedule] = self._changed[cursor.schedule] = cursor
        self._forgotten.discard(cursor.schedule)

    def forget(self, name: str) -> None:
        """Drop the cursor of a schedule that is gone."""
        del self.cursors[name]
        self._changed.pop(name, None)
        self._forgotten.add(name)

    def tell(self, told: dict[tuple[str, str, int], Raised]) -> None:
        """Take what is being told as told, but for the ledger: rather twice than never."""
        self.told = told
        self._telling += 1

    def is_told(self) -> None:
        """Let the ledger have what was told, once nothing of it is on its way."""
        self._telling -= 1
        if not self._telling:
            self._told = tuple(self.told.values())

    def changes(self) -> Changes:
        """Return what the ledger does not have yet."""
        rows, cursors = tuple(self._rows.values()), tuple(self._changed.values())
        return Changes(rows, cursors, tuple(self.answered), tuple(self._forgotten), self._told)

    def written(self, changes: Changes) -> None:
        """Note that the ledger has *changes*."""
        for row in changes.rows:
            key = row.key
            if self._rows.get(key) is row:
                del self._rows[key]
        for cursor in changes.cursors:
            if self._changed.get(cursor.schedule) is cursor:
                del self._changed[cursor.schedule]
        self._forgotten -= set(changes.forget)
        self.answered -= set(changes.done)
        if self._told is changes.told:
            self._told = None

    def schedules(self) -> Iterable[tuple[Schedule, Cursor]]:
        """Return each schedule with its cursor."""
        return [(entry.schedule, self.cursors[name]) for name, entry in self.entries.items()]
