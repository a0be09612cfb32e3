"""Trying again: longer pauses each time, uneven, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from steersman.core.errors import Unavailable

T = TypeVar("T")


class Patience(NamedTuple):
    """How to wait between tries: *chance* returns numbers from 0 up to 1, *now* any seconds."""

    sleep: Callable[[float], Awaitable[object]]
    chance: Callable[[], float]
    now: Callable[[], float]
    first: float = 0.2
    most: float = 10.0

    def pause(self, tries: int, after: float | None = None) -> float:
        """Return the seconds to wait after so many failed tries: longer each time, and uneven."""
        longest = min(self.most, self.first * 2.0 ** min(tries - 1, 30))
        return max(longest * (0.5 + 0.5 * self.chance()), after or 0.0)


def patience() -> Patience:
    """Return the patience of this machine's clock and chance."""
    import random
    import time

    return Patience(asyncio.sleep, random.random, time.monotonic)


async def patiently(
    work: Callable[[], Awaitable[T]], *, pause: Patience, give_up_after: float | None
) -> T:
    """Do *work*, again as long as it raises `Unavailable`; the last of these when time is up."""
    began, tries = pause.now(), 0
    while True:
        try:
            return await work()
        except Unavailable as error:
            tries += 1
            wait = pause.pause(tries, getattr(error, "after", None))
            if give_up_after is not None and pause.now() + wait - began > give_up_after:
                raise
        await pause.sleep(wait)
