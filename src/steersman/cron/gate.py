"""What may be launched as soon as the pace allows it. No I/O, and no clock."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.core.schedules import pacing, planning
from steersman.core.schedules.fires import Fire, Key
from steersman.core.schedules.pacing import Pace, Ready
from steersman.cron.rows import Rows


class Gate:
    """Rows of *rows* that nobody is in the way of; what becomes too late here is noted there."""

    def __init__(self, rows: Rows, pace: Pace) -> None:
        self._rows = rows
        self._pace = pace
        self._waiting: dict[Key, Fire] = {}

    def put(self, fires: Iterable[Fire]) -> None:
        """Let rows wait for their turn."""
        self._waiting.update((fire.key, fire) for fire in fires)

    def clear(self) -> None:
        """Forget who waits; the pace goes on."""
        self._waiting.clear()

    def go(self, now: float) -> list[Fire]:
        """Return what is launched now, in order."""
        if not self._waiting:
            return []
        chosen, self._pace = pacing.pick(self._pace, self._in_time(now), now)
        for fire in chosen:
            del self._waiting[fire.key]
        return chosen

    def wait(self, now: float) -> float | None:
        """Return the seconds until there is room for some more; None when nobody waits."""
        return pacing.wait(self._pace, len(self._waiting), now)

    def _in_time(self, now: float) -> list[Ready]:
        ready, entries = [], self._rows.entries
        for key, fire in list(self._waiting.items()):
            schedule = entries[fire.schedule].schedule
            late = planning.too_late(schedule, fire, now)
            if late is None:
                ready.append(Ready(fire, schedule.priority, schedule.project))
            else:
                del self._waiting[key]
                self._rows.put(late)
        return ready
