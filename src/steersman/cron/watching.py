"""The dead man's switch: looks now and then for what somebody should be told of, and tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from steersman.core.schedules import alarms
from steersman.core.schedules.alarms import Alarm, News
from steersman.core.schedules.fires import Fire
from steersman.cron.desk import Desk
from steersman.cron.logs import Event, say

EVERY = 10.0


class Watchman:
    """Compares what is wrong with what was told; *tell* sends the difference."""

    def __init__(self, tell: Callable[[News], Awaitable[None]]) -> None:
        self._tell = tell
        self._looked = float("-inf")
        self.known: dict[tuple[str, str, int], Alarm] = {}

    async def look(self, desk: Desk, now: float) -> None:
        """Look, unless that was done a moment ago."""
        if 0 <= now - self._looked < EVERY:
            return
        self._looked = now
        rows: dict[str, list[Fire]] = {}
        for fire in desk.rows.open.values():
            rows.setdefault(fire.schedule, []).append(fire)
        for name, fire in desk.rows.missed.items():
            rows.setdefault(name, []).append(fire)
        found: list[Alarm] = []
        for schedule, cursor in desk.rows.schedules():
            found += alarms.find(schedule, cursor, rows.get(schedule.name, ()), now)
        news = alarms.news(self.known.values(), found)
        if not news.raised and not news.over:
            return
        self.known = {alarm.key: alarm for alarm in found}
        for alarm in news.raised:
            say(Event.ALARM_RAISED, f"{alarm.schedule} {alarm.what}: {alarm.message}")
        for alarm in news.over:
            say(Event.ALARM_OVER, f"{alarm.schedule} {alarm.what}")
        await self._tell(news)
