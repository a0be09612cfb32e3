"""When each schedule is to be looked at next: one instant each, so that nobody else is asked."""

from __future__ import annotations

import heapq
from collections.abc import Iterable


class Agenda:
    """Names by the instant at which they are to be looked at. Many often share one instant."""

    def __init__(self) -> None:
        self._of: dict[str, int] = {}
        self._names: dict[int, dict[str, None]] = {}
        self._instants: list[int] = []

    def put(self, name: str, instant: int | None) -> None:
        """Look at *name* at *instant* and at no other time; None is never."""
        before = self._of.pop(name, None)
        if before is not None:
            del self._names[before][name]
        if instant is None:
            return
        self._of[name] = instant
        names = self._names.get(instant)
        if names is None:
            names = self._names[instant] = {}
            heapq.heappush(self._instants, instant)
        names[name] = None

    def take(self, now: float) -> list[str]:
        """Return who is to be looked at by *now*, and strike them out."""
        found: list[str] = []
        while self._instants and self._instants[0] <= now:
            names = self._names.pop(heapq.heappop(self._instants))
            for name in names:
                del self._of[name]
            found += names
        return found

    def first(self) -> int | None:
        """Return the first instant at which somebody is to be looked at."""
        while self._instants and not self._names[self._instants[0]]:
            del self._names[heapq.heappop(self._instants)]
        return self._instants[0] if self._instants else None

    def at(self, instant: int) -> Iterable[str]:
        """Return who is to be looked at exactly then."""
        return tuple(self._names.get(instant, ()))
