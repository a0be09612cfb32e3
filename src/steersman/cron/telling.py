"""Telling alarms to a webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from steersman.core.schedules.alarms import Alarm, News
from steersman.cron.logs import Event, say

WITHIN = 10.0
TRIES = 3


def webhook(url: str) -> Callable[[News], Awaitable[None]]:
    """Return what sends news to *url*; what does not get through is said.

    Each alarm is one object: schedule, what, instant, message, and whether it is raised or over.
    """

    async def tell(news: News) -> None:
        told = [_said(alarm, "raised") for alarm in news.raised]
        told += [_said(alarm, "over") for alarm in news.over]
        await _send(url, {"alarms": told})

    return tell


def _said(alarm: Alarm, state: str) -> dict[str, object]:
    return {**alarm._asdict(), "what": str(alarm.what), "state": state}


async def _send(url: str, body: object) -> None:
    import httpx2

    async with httpx2.AsyncClient(timeout=WITHIN) as client:
        for number in range(1, TRIES + 1):
            try:
                answer = await client.post(url, json=body)
                if answer.is_success:
                    return
                why = f"it answers with {answer.status_code}"
            except httpx2.HTTPError as error:
                why = str(error) or type(error).__name__
            await asyncio.sleep(number)
    say(Event.ALARM_UNTOLD, f"{url.partition('?')[0]}: {why}")


async def nobody(news: News) -> None:
    """Tell nobody: the log and the figures have it."""
