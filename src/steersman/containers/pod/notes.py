"""What a worker sees of the pod we are in, as the server passes it on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

BOX = "box"
ENDED = "service-ended"


class Note(NamedTuple):
    """One sentence on a container, or on the pod where *container* is empty.

    *reason* is there where the attempt cannot go on; *permanent*: trying again will not help.
    """

    kind: str
    container: str
    text: str
    reason: str = ""
    permanent: bool = False


class Notes:
    """All notes that stand at the moment."""

    def __init__(self) -> None:
        self.all: tuple[Note, ...] = ()
        self._changed = asyncio.Event()

    def hear(self, notes: Iterable[Note]) -> None:
        """Let *notes* stand instead of those before."""
        heard = tuple(notes)
        if heard != self.all:
            self.all = heard
            self._changed.set()

    async def changed(self) -> None:
        """Wait until others stand; one listens at a time, or all look again in time."""
        await self._changed.wait()
        self._changed.clear()

    def is_pulling(self, container: str) -> bool:
        """Tell whether the image of *container* is on its way."""
        return any(note.kind == "pulling" and note.container == container for note in self.all)

    def against(self, container: str) -> Note | None:
        """Return why *container*, or the whole pod, cannot go on, if that is so."""
        return next(
            (note for note in self.all if note.reason and note.container in (container, "")), None
        )

    def ended(self, alias: str) -> Note | None:
        """Return what is said of a service that has ended, or cannot start."""
        return next(
            (
                note
                for note in self.all
                if note.container == alias and (note.reason or note.kind == ENDED)
            ),
            None,
        )

    async def naming_the_end(self, seconds: float) -> Note | None:
        """Return what ended the box, waiting *seconds* for somebody to see it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (found := self._end()) is None:
                    await self.changed()
                return found
        return None

    def _end(self) -> Note | None:
        ends = [note for note in self.all if note.kind in ("box-ended", "pod-ending")]
        # What ended the pod is why its box ended.
        ends.sort(key=lambda note: (not note.reason, note.kind != "pod-ending"))
        return next(iter(ends), None) or self.against(BOX)
