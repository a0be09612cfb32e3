"""The one thing the loops of a worker share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from steersman.cluster.base import RunnerSpec
from steersman.worker import holds
from steersman.worker.holds import Grant, Holds


class Memory:
    """What is held and seen, replaced as a whole; each loop waits for the event it cares about.

    *room*: there may be room for more. *news*: the server should hear of something. *work*: the
    cluster may have to follow, about those that are *touched*. *moved*: any change.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.holds: Holds = holds.NOTHING
        self.specs: dict[str, RunnerSpec] = {}
        self.refused: dict[str, str] = {}
        self.room, self.news = asyncio.Event(), asyncio.Event()
        self.work, self.moved = asyncio.Event(), asyncio.Event()
        self.touched: set[str] = set()
        self._telling: dict[str, tuple[str, ...]] = {}
        self._told: frozenset[tuple[str, ...]] = frozenset()

    def put(self, new: Holds) -> None:
        """Remember *new*, and wake the loops it concerns."""
        old = self.holds
        if new == old:
            return
        self.holds = new
        changed = holds.changed(old, new)
        self.touched |= changed
        for name in old.held.keys() - new.held.keys():
            self.specs.pop(name, None)
            self.refused.pop(name, None)
        for event in (self.room, self.work, self.moved):
            event.set()
        if self._listen(changed):
            self.news.set()

    def _listen(self, changed: Iterable[str]) -> bool:
        """Note what there is to tell of these; return whether anything of it is news."""
        for name in changed:
            told = holds.telling(self.holds, name)
            if told is None:
                self._telling.pop(name, None)
            else:
                self._telling[name] = told
        found = {(name,) for name in self.holds.found(self.now())}
        latest = {self._telling[name] for name in changed if name in self._telling}
        return not (latest | found) <= self._told

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
        found = {(name,) for name in self.holds.found(self.now())}
        before, self._told = self._told, frozenset(found.union(self._telling.values()))
        asked = holds.asked(self.holds, self.now())
        return asked if whole else asked.only({name for name, *_ in self._told - before})
