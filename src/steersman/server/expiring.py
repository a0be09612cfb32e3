"""Looks for what is past its deadline, for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging

from steersman.core.errors import SteersmanError
from steersman.server.platform import Platform

EVERY = 2.0
RUNS_EVERY = 15
log = logging.getLogger("steersman.server")


async def expire(platform: Platform) -> None:
    """End what is overdue; an outage of the store is waited for."""
    turn = 0
    while True:
        try:
            ended = await platform.queue.expire()
            if ended:
                log.info("expired: %d attempts", ended)
            if turn % RUNS_EVERY == 0:
                await platform.queue.sweep_runs()
        except SteersmanError as error:
            log.warning("expiring_failed: %s", error)
        turn += 1
        await asyncio.sleep(EVERY)
