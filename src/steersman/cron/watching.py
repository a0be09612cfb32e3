"""The dead man's switch: looks now and then for what somebody should be told of, and tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from steersman.core.schedules import alarms
from steersman.core.schedules.alarms import Alarm, News, Raised
from steersman.core.schedules.fires import Fire
from steersman.cron.desk import Desk
from steersman.cron.logs import Event, say
from steersman.cron.rows import Rows

EVERY = 10.0


class Watchman:
    """Compares what is wrong with what was told; *tell* sends the difference, and then returns."""

    def __init__(self, tell: Callable[[News], Awaitable[None]]) -> None:
        self._tell = tell
        self._looked = float("-inf")
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self, desk: Desk, now: float) -> None:
        """Look, unless that was done a moment ago."""
        if 0 <= now - self._looked < EVERY:
            return
        self._looked = now
        rows = desk.rows
        found = _found(rows, now)
        news = alarms.news((each.alarm for each in rows.told.values()), found)
        if not news.raised and not news.over:
            return
        for alarm in news.raised:
            say(Event.ALARM_RAISED, f"{alarm.schedule} {alarm.what}: {alarm.message}")
        for alarm in news.over:
            say(Event.ALARM_OVER, f"{alarm.schedule} {alarm.what}")
        rows.tell({each.key: rows.told.get(each.key) or Raised(each, now) for each in found})
        task = asyncio.ensure_future(self._send(rows, news))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, rows: Rows, news: News) -> None:
        await self._tell(news)
        rows.is_told()


def _found(rows: Rows, now: float) -> list[Alarm]:
    """Return all that is wrong now."""
    seen: dict[str, list[Fire]] = {}
    for fire in (*rows.open.values(), *rows.missed.values()):
        seen.setdefault(fire.schedule, []).append(fire)
    found: list[Alarm] = []
    for schedule, cursor in rows.schedules():
        found += alarms.find(schedule, cursor, seen.get(schedule.name, ()), now)
        before = rows.missed_before.get(schedule.name)
        if before is not None and schedule.alarms.missed:
            found.append(before)
    return found
