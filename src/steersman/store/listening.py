"""Hears through PostgreSQL what other servers commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import psycopg

from steersman.store import engines
from steersman.store.base import Waking

AGAIN = 1.0
LONGEST = 7000
"""PostgreSQL takes payloads of up to 8000 bytes."""
log = logging.getLogger("steersman.store")


def payloads(origin: str, topics: Iterable[str]) -> list[str]:
    """Return what tells others of *topics*, in as few notices as hold them."""
    found = [origin]
    for topic in topics:
        if len(found[-1].encode()) + len(topic.encode()) >= LONGEST:
            found.append(origin)
        found[-1] += f"\n{topic}"
    return [each for each in found if each != origin]


def told(payload: str) -> tuple[str, list[str]]:
    """Return who tells, and of which topics."""
    origin, *topics = payload.split("\n")
    return origin, topics


async def listen(url: str, channel: str, waking: Waking, own: str) -> None:
    """Wake listeners for as long as this runs; a lost connection is made again.

    What *own* told is known here already.
    """
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
                    origin, topics = told(notice.payload)
                    for topic in topics if origin != own else ():
                        waking.wake(topic)
        except psycopg.Error as error:
            log.warning("listening_lost: %s", str(error).strip().partition("\n")[0])
        await asyncio.sleep(AGAIN)
