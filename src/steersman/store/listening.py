"""Hears through PostgreSQL what other servers commit."""

from __future__ import annotations

import asyncio
import logging

import psycopg

from steersman.store import engines
from steersman.store.base import Waking

AGAIN = 1.0
log = logging.getLogger("steersman.store")


async def listen(url: str, channel: str, waking: Waking) -> None:
    """Wake listeners for as long as this runs; a lost connection is made again."""
    address = engines.parsed(url).set(drivername="postgresql")
    text = address.render_as_string(hide_password=False)
    while True:
        try:
            connecting = psycopg.AsyncConnection.connect(
                text, autocommit=True, client_encoding="utf8"
            )
            async with await connecting as connection:
                await connection.execute(f"LISTEN {channel}".encode())
                # Whatever was told while nobody listened is looked for.
                waking.wake_all()
                async for notice in connection.notifies():
                    waking.wake(notice.payload)
        except psycopg.Error as error:
            log.warning("listening_lost: %s", str(error).strip().partition("\n")[0])
        await asyncio.sleep(AGAIN)
