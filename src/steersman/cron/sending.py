"""Sends what is claimed on its way: so many launches at once, in order, and what each came to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from steersman.core.errors import SteersmanError, UserError
from steersman.core.schedules.fires import Fire, Reason
from steersman.cron.counting import Counts
from steersman.cron.desk import Desk
from steersman.cron.launchers.base import Impossible, Launcher
from steersman.cron.times import Times


class Result(NamedTuple):
    """The uid of what was launched, or why nothing was."""

    desk: Desk
    fire: Fire
    said: str | SteersmanError


class Sending:
    """A few workers that share one queue: a task for each launch would cost more than it does.

    *may* is asked right before each launch whether this desk still leads; *news* says that there
    are results.
    """

    def __init__(
        self, launcher: Launcher, times: Times, at_once: int, may: Callable[[Desk], bool],
        news: Callable[[], None],
    ) -> None:  # fmt: skip
        self.results: list[Result] = []
        self._launcher = launcher
        self._times = times
        self._at_once = at_once
        self._may = may
        self._news = news
        self._queue: deque[tuple[Desk, Fire]] = deque()
        self._workers = 0

    def put(self, group: asyncio.TaskGroup, desk: Desk, fires: Iterable[Fire]) -> None:
        """Launch *fires* as soon as there is room for them."""
        self._queue.extend((desk, fire) for fire in fires)
        for _ in range(min(self._at_once - self._workers, len(self._queue))):
            self._workers += 1
            group.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                desk, fire = self._queue.popleft()
                if self._may(desk):
                    await self._launch(desk, fire)
        finally:
            self._workers -= 1

    async def _launch(self, desk: Desk, fire: Fire) -> None:
        said: str | SteersmanError
        try:
            said = await self._started(desk, fire)
        except SteersmanError as error:
            said = error
        self.results.append(Result(desk, fire, said))
        self._news()

    async def _started(self, desk: Desk, fire: Fire) -> str:
        if desk.claims.over(fire, self._times.now()):
            found = await self._launcher.find(fire.run)
            if found is not None and found.key == fire.key:
                return found.uid
            why = fire.message or "its deadline was over"
            raise Impossible(f"its time is over: {why}")
        return await self._launcher.launch(desk.rows.entries[fire.schedule].work, fire)

    def take(self, desk: Desk, counts: Counts, now: float) -> list[Fire]:
        """Let *desk* know all results that are there; return what was launched."""
        results, self.results = self.results, []
        launched = []
        for result in results:
            if result.desk is desk:
                new = _taken(result, counts, now)
                if new is not None:
                    launched.append(new)
        return launched


def _taken(result: Result, counts: Counts, now: float) -> Fire | None:
    fire, said, claims = result.fire, result.said, result.desk.claims
    if isinstance(said, str):
        new = claims.launched(fire.key, said, now)
        if new is not None:
            counts.launch(new)
        return new
    if isinstance(said, (Impossible, UserError)):
        reason = Reason.TOO_LATE if claims.over(fire, now) else Reason.REFUSED
        claims.given_up(fire.key, reason, str(said), now)
    else:
        counts.delay(fire, str(said))
        claims.delayed(fire.key, str(said), now)
    return None
