"""Who keeps out of whose way: a lane is a schedule that minds its own runs, or a whole group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steersman.core.schedules.fires import Key
from steersman.core.schedules.schedule import Overlapping, Schedule

SWEEP = 5.0
"""How often lanes are looked at in which somebody waits: only time may have freed them."""


def lane_of(schedule: Schedule) -> str | None:
    """Return the lane of a schedule; None when nobody is ever in its way."""
    if schedule.group is None and schedule.overlap.kind is Overlapping.ALLOW:
        return None
    return schedule.lane


class Lanes:
    """Rows that run and rows that wait, by lane, and the lanes in which something changed."""

    def __init__(self) -> None:
        self._running: dict[str, dict[Key, None]] = {}
        self._waiting: dict[str, dict[Key, None]] = {}
        self._touched: set[str] = set()
        self._swept = 0.0

    def enter(self, lane: str | None, key: Key) -> None:
        """Let a row run: it is about to be launched, or was."""
        if lane is not None:
            self._running.setdefault(lane, {})[key] = None

    def leave(self, lane: str | None, key: Key) -> None:
        """Let a row run no more; who waits for that is looked at."""
        running = self._running.get(lane) if lane is not None else None
        if lane is None or running is None or key not in running:
            return
        del running[key]
        self._touched.add(lane)
        if not running:
            del self._running[lane]

    def wait(self, lane: str, key: Key) -> None:
        """Let a row wait until it is admitted."""
        self._waiting.setdefault(lane, {})[key] = None
        self._touched.add(lane)

    def go(self, lane: str, keys: Iterable[Key]) -> None:
        """Let rows wait no longer."""
        waiting = self._waiting.get(lane, {})
        for key in keys:
            waiting.pop(key, None)
        if not waiting:
            self._waiting.pop(lane, None)

    def touch(self, lane: str | None) -> None:
        """Look at a lane again: what runs there may be another thing now."""
        if lane is not None:
            self._touched.add(lane)

    def touch_all(self) -> None:
        """Look at every lane in which something runs."""
        self._touched.update(self._running)

    def changed(self, now: float) -> Iterator[str]:
        """Give the lanes that are to be looked at."""
        if self._waiting and not 0 <= now - self._swept < SWEEP:
            self._swept = now
            self._touched.update(self._waiting)
        while self._touched:
            yield self._touched.pop()

    def running(self, lane: str) -> list[Key]:
        """Return the rows that run in a lane."""
        return list(self._running.get(lane, ()))

    def waiting(self, lane: str) -> list[Key]:
        """Return the rows that wait in a lane, the oldest first."""
        return list(self._waiting.get(lane, ()))

    @property
    def any_waits(self) -> bool:
        return bool(self._waiting)
