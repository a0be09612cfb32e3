"""What is claimed: when each launch is tried, and what it came to. No I/O, and no clock."""

from __future__ import annotations

import heapq

from steersman.core.schedules import fires, planning
from steersman.core.schedules.fires import Fire, Key, Reason, State
from steersman.cron.rows import Rows

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Claims:
    """Claimed rows of *rows* by the time of their next try; *launching* are on their way."""

    def __init__(self, rows: Rows) -> None:
        self.launching: set[Key] = set()
        self._rows = rows
        self._new: list[Fire] = []
        self._tries: list[tuple[float, Key]] = []

    def add(self, fire: Fire) -> None:
        """Try what was claimed just now."""
        self._new.append(fire)

    def put(self, key: Key, at: float) -> None:
        """Try a claimed row at that time."""
        heapq.heappush(self._tries, (at, key))

    def clear(self) -> None:
        """Forget when what is tried; what is on its way stays so."""
        self._new.clear()
        self._tries.clear()

    def first(self) -> float | None:
        """Return when the next one is tried."""
        if self._new:
            return self._new[0].since
        return self._tries[0][0] if self._tries else None

    def due(self, now: float) -> list[Fire]:
        """Return what nobody launches yet; now somebody does."""
        rows = self._rows.open
        found = [fire for fire in self._new if rows.get(fire.key) is fire]
        self._new = []
        self.launching.update(fire.key for fire in found)
        while self._tries and self._tries[0][0] <= now:
            _, key = heapq.heappop(self._tries)
            fire = self._rows.open.get(key)
            if fire is None or fire.state is not State.CLAIMED or key in self.launching:
                continue
            self.launching.add(key)
            found.append(fire)
        return found

    def launched(self, key: Key, uid: str, now: float) -> Fire | None:
        """Note that a launch went through; return its row if that is news."""
        fire = self._ended(key)
        if fire is None:
            return None
        new = fires.fired(fire, uid, now)
        self._rows.put(new)
        cursor = self._rows.cursors.get(key.schedule)
        if cursor is not None and key.instant > (cursor.last_fired or 0):
            self._rows.move(cursor._replace(last_fired=key.instant))
        return new

    def delayed(self, key: Key, why: str, now: float) -> None:
        """Note that a launch found nobody; it is tried again, later each time."""
        fire = self._ended(key)
        if fire is None:
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(fire.delays, 10))
        self._rows.put(fire._replace(delays=fire.delays + 1, message=why))
        self.put(key, now + pause)

    def given_up(self, key: Key, reason: Reason, why: str, now: float) -> None:
        """Note that a launch will never be."""
        fire = self._ended(key)
        if fire is not None:
            self._rows.put(fires.ended(fire, State.MISSED, reason, why, now))

    def over(self, fire: Fire, now: float) -> bool:
        """Tell whether the deadline of a claimed row has passed, or its schedule is gone."""
        entry = self._rows.entries.get(fire.schedule)
        return entry is None or planning.too_late(entry.schedule, fire, now) is not None

    def _ended(self, key: Key) -> Fire | None:
        """Return the row of a launch that is on its way no more, if it is still claimed."""
        self.launching.discard(key)
        fire = self._rows.open.get(key)
        return fire if fire is not None and fire.state is State.CLAIMED else None
