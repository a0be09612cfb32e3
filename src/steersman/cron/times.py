"""The clocks of the program, given to it so that tests may turn them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple


class Times(NamedTuple):
    """*now* is the wall's clock; *elapsed* never goes back, and goes on while a machine sleeps."""

    now: Callable[[], float]
    elapsed: Callable[[], float]


def system() -> Times:
    """Return this machine's."""
    which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return Times(time.time, lambda: time.clock_gettime(which))


async def soon(event: asyncio.Event, within: float) -> None:
    """Wait for *event*, at most so long, and clear it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    event.clear()
