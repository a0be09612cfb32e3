"""The one thing the loops of a worker share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from steersman.cluster.base import RunnerSpec
from steersman.worker import holds
from steersman.worker.holds import Grant, Holds


class Memory:
    """What is held and seen, replaced as a whole; each loop waits for the event it cares about.

    *room*: there may be room for more. *news*: the server should hear of something. *work*: the
    cluster may have to follow. *moved*: any change.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.holds: Holds = holds.NOTHING
        self.specs: dict[str, RunnerSpec] = {}
        self.refused: dict[str, str] = {}
        self.room, self.news = asyncio.Event(), asyncio.Event()
        self.work, self.moved = asyncio.Event(), asyncio.Event()
        self._told: frozenset[tuple[str, ...]] = frozenset()

    def put(self, new: Holds) -> None:
        """Remember *new*, and wake the loops it concerns."""
        if new == self.holds:
            return
        self.holds = new
        self.specs = {name: spec for name, spec in self.specs.items() if name in new.held}
        self.refused = {name: why for name, why in self.refused.items() if name in new.held}
        for event in (self.room, self.work, self.moved):
            event.set()
        if not holds.news(new, self.now()) <= self._told:
            self.news.set()

    def hold(self, grant: Grant, spec: RunnerSpec, refused: str = "") -> bool:
        """Take an attempt in; False where we hold it by a newer grant.

        *refused* says why there can be no runner for it.
        """
        new = holds.granted(self.holds, grant, self.now())
        if new is self.holds:
            return False
        self.specs[grant.attempt] = spec
        if refused:
            self.refused[grant.attempt] = refused
        self.put(new)
        return True

    def tell(self, *, whole: bool) -> holds.Asked:
        """Return what a renewal that is sent now is about: all there is, or only what is news."""
        self.news.clear()
        before, self._told = self._told, holds.news(self.holds, self.now())
        asked = holds.asked(self.holds, self.now())
        return asked if whole else asked.only({name for name, *_ in self._told - before})
