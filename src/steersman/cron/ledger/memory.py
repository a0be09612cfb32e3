"""A ledger in dictionaries: for tests, and for a look at what a configuration would do."""

from __future__ import annotations

from collections.abc import Callable

from steersman.core.schedules.alarms import Raised
from steersman.core.schedules.fires import Fire, Key
from steersman.core.schedules.schedule import Cursor
from steersman.cron.ledger.base import (
    LEADING,
    Changes,
    Fenced,
    Loaded,
    Request,
    Term,
    Wanted,
    next_term,
)


class MemoryLedger:
    """Several instances of one process may share it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._term: Term | None = None
        self._rows: dict[Key, Fire] = {}
        self._open: dict[Key, Fire] = {}
        self._cursors: dict[str, Cursor] = {}
        self._requests: dict[str, Request] = {}
        self._told: tuple[Raised, ...] = ()

    async def lead(self, holder: str, seconds: float = LEADING) -> Term | None:
        """Take or keep the leadership."""
        new = next_term(self._term, holder, self._now(), seconds)
        self._term = new or self._term
        return new

    async def resign(self, holder: str) -> None:
        """Give the leadership back."""
        if self._term is not None and self._term.holder == holder:
            self._term = self._term._replace(until=self._now())

    async def leader(self) -> Term | None:
        """Return who led last."""
        return self._term

    async def load(self) -> Loaded:
        """Return the cursors, the open rows and what was told."""
        return Loaded(tuple(self._cursors.values()), tuple(self._open.values()), self._told)

    async def write(self, fence: int, changes: Changes) -> None:
        """Write all or nothing."""
        self._check(fence)
        for row in changes.rows:
            self._rows[row.key] = row
            if row.open:
                self._open[row.key] = row
            else:
                self._open.pop(row.key, None)
        for cursor in changes.cursors:
            self._cursors[cursor.schedule] = cursor
        for each in changes.done:
            self._requests.pop(each, None)
        for name in changes.forget:
            self._cursors.pop(name, None)
        if changes.told is not None:
            self._told = tuple(changes.told)

    def _check(self, fence: int) -> None:
        if self._term is None or self._term.fence != fence:
            raise Fenced

    async def ask(self, request: Request) -> None:
        """Leave a request."""
        self._requests.setdefault(request.id, request)

    async def requests(self) -> list[Request]:
        """Return what is asked."""
        return sorted(self._requests.values(), key=lambda each: (each.at, each.id))

    async def cursors(self) -> list[Cursor]:
        """Return how far each schedule has come."""
        return sorted(self._cursors.values())

    async def rows(self, wanted: Wanted) -> list[Fire]:
        """Return rows, the newest first."""
        found = [row for row in self._rows.values() if wanted.fits(row)]
        found.sort(key=lambda row: (-row.instant, row.schedule, row.kind))
        return found[: wanted.limit]

    async def prune(self, fence: int, before: float) -> int:
        """Remove old rows."""
        self._check(fence)
        old = [row.key for row in self._rows.values() if not row.open and row.last < before]
        for key in old:
            del self._rows[key]
        return len(old)

    async def close(self) -> None:
        """Nothing is held."""
