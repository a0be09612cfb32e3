"""Whether requests should come to this server, as one of several.

What all servers share is no reason to send people elsewhere, with one exception: without the store
nothing can be answered truly. While the blobs are away runners still report, and wait with what is
large; if that took every server out of the balance, their heartbeats would be lost as well.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from steersman.core.errors import SteersmanError

PATIENCE = 2.0
"""Seconds a probe waits: whoever asks does not wait for much longer."""


class Door(Protocol):
    """What can be asked whether it answers; it raises when it does not."""

    async def check(self) -> None: ...


class Standing(NamedTuple):
    """Whether we are *ready*, and what a person should know."""

    words: str
    ready: bool = True


class Readiness:
    """Looks at the doors, at most once at a time: one that hangs is not asked again meanwhile."""

    def __init__(self, store: Door, blobs: Door, patience: float = PATIENCE) -> None:
        self._doors = {"database": store, "blobs": blobs}
        self._patience = patience
        self._looking: dict[str, asyncio.Task[str]] = {}

    async def look(self) -> Standing:
        store, blobs = await asyncio.gather(self._door("database"), self._door("blobs"))
        if store:
            return Standing(store, ready=False)
        return Standing(f"ready, but not whole: {blobs}" if blobs else "ready")

    async def _door(self, name: str) -> str:
        """Return what is wrong with a door; empty when it answers."""
        task = self._looking.get(name)
        if task is None or task.done():
            task = self._looking[name] = asyncio.ensure_future(self._check(name))
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done():
            return f"the {name} did not answer within {self._patience:g} s"
        return task.result()

    async def _check(self, name: str) -> str:
        try:
            await self._doors[name].check()
        except SteersmanError as error:
            return str(error)
        return ""
