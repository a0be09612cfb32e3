"""How long a box is waited for, and what ends the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import NamedTuple

from steersman.containers.base import CannotRun, ServiceEnded
from steersman.containers.pod.notes import BOX, ENDED, Note, Notes
from steersman.core.errors import SteersmanError, UserError
from steersman.core.reasons import Reason
from steersman.core.steps import minutes_words


class Limits(NamedTuple):
    """Seconds that things may take: a box to start once its image is there, an image to be pulled,
    and the end of a box to be named.
    """

    starting: float = 30.0
    pulling: float = 900.0
    explaining: float = 15.0


def refusal(note: Note) -> SteersmanError:
    """Return the error that a note with a reason means."""
    if note.permanent:
        return UserError(note.text)
    return CannotRun(note.text, reason=note.reason)


def without(note: Note) -> SteersmanError:
    """Return the error that it means that a service ended, or cannot start, as *note* says."""
    if note.kind == ENDED:
        return ServiceEnded(note.text, reason=note.reason or Reason.SERVICE_ENDED)
    return refusal(note)


async def begun(opened: Awaitable[None], notes: Notes, limits: Limits) -> None:
    """Wait until the box says its first word, or until it is certain, or too late, that it will."""
    loop = asyncio.get_running_loop()
    first = asyncio.ensure_future(opened)
    began, pulling = loop.time(), False
    try:
        while not first.done():
            if note := notes.against(BOX):
                raise refusal(note)
            if pulling != notes.is_pulling(BOX):
                began, pulling = loop.time(), not pulling
            limit = limits.pulling if pulling else limits.starting
            if not await _until(first, notes, began + limit):
                raise _late(limit, pulling=pulling)
        first.result()
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def _until(first: asyncio.Future[None], notes: Notes, end: float) -> bool:
    """Wait for *first* or other notes; False at *end*."""
    heard = asyncio.ensure_future(notes.changed())
    try:
        left = end - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait(
            {first, heard}, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)
    finally:
        heard.cancel()
        with suppress(asyncio.CancelledError):
            await heard


def _late(limit: float, *, pulling: bool) -> CannotRun:
    if pulling:
        return CannotRun(
            f"the image of the box was not pulled within {minutes_words(limit)}",
            reason=Reason.IMAGE_UNAVAILABLE,
        )
    return CannotRun(
        f"the box did not start within {minutes_words(limit)}",
        reason=Reason.NEVER_STARTED,
        hint="its node may be sick; its entrypoint, if it has one, must give way to its command",
    )
