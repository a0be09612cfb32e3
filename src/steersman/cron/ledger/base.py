"""What a ledger is to the program and to the commands.

One instance leads at a time and writes; each term of leadership has a number that only grows. A
write of an older term fails as a whole, so whoever was replaced changes nothing, however late it
wakes. Everybody else only asks: requests are rows too, and the leader answers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from steersman.core.errors import SteersmanError
from steersman.core.schedules.alarms import Raised
from steersman.core.schedules.fires import Fire, State
from steersman.core.schedules.schedule import Cursor

LEADING = 10.0
"""Seconds a term lasts unless it is renewed."""


class Fenced(SteersmanError):
    """Another instance leads by now; nothing was written."""

    exit_code = 3


class Term(NamedTuple):
    """Who leads, under which number, until when by the ledger's clock."""

    holder: str
    fence: int
    until: float


def next_term(term: Term | None, holder: str, now: float, seconds: float) -> Term | None:
    """Return the term of *holder* from *now* on; None while another one's lasts."""
    if term is None:
        return Term(holder, 1, now + seconds)
    lasts, mine = now < term.until, term.holder == holder
    if lasts and not mine:
        return None
    return Term(holder, term.fence if lasts else term.fence + 1, now + seconds)


class Asking(StrEnum):
    """What somebody may ask of the leader."""

    TRIGGER = "trigger"
    PAUSE = "pause"
    RESUME = "resume"
    BACKFILL = "backfill"


class Request(NamedTuple):
    """A wish: *until* ends a pause, *instants* are those of a backfill."""

    id: str
    asking: Asking
    schedule: str
    by: str
    reason: str
    at: float
    until: float | None = None
    instants: tuple[int, ...] = ()


class Loaded(NamedTuple):
    """All that a leader must know to go on; *told* are the alarms that somebody was told of."""

    cursors: tuple[Cursor, ...]
    open: tuple[Fire, ...]
    told: tuple[Raised, ...] = ()


class Changes(NamedTuple):
    """What one write changes: rows and cursors as they are from now on, requests that are done.

    *forget* names schedules whose cursors go; *told* takes the place of what was told before.
    """

    rows: Sequence[Fire] = ()
    cursors: Sequence[Cursor] = ()
    done: Sequence[str] = ()
    forget: Sequence[str] = ()
    told: Sequence[Raised] | None = None

    def __bool__(self) -> bool:
        some = self.rows or self.cursors or self.done or self.forget
        return bool(some) or self.told is not None


class Wanted(NamedTuple):
    """Which rows to list, the newest first. *holding* is an instant that the row stands for."""

    schedule: str | None = None
    states: frozenset[State] = frozenset()
    since: int | None = None
    until: int | None = None
    holding: int | None = None
    limit: int = 1000

    def fits(self, row: Fire) -> bool:
        """Tell whether *row* is wanted."""
        if self.schedule is not None and row.schedule != self.schedule:
            return False
        if self.states and row.state not in self.states:
            return False
        if self.holding is not None and not row.instant <= self.holding <= row.last:
            return False
        late_enough = self.since is None or row.last >= self.since
        return late_enough and (self.until is None or row.instant <= self.until)


class Ledger(Protocol):
    """The rows. `Unavailable` means that it does not answer, `Fenced` that we do not lead."""

    async def lead(self, holder: str, seconds: float = LEADING) -> Term | None:
        """Take the leadership if it is free, or keep it; None while another holds it.

        A leader that asks in time keeps its number; one that comes back late gets a new one.
        """

    async def resign(self, holder: str) -> None:
        """Give the leadership back, so that nobody has to wait for its end."""

    async def leader(self) -> Term | None:
        """Return who led last."""

    async def load(self) -> Loaded:
        """Return the cursors, the rows that are not over, and what was told."""

    async def write(self, fence: int, changes: Changes) -> None:
        """Write all of *changes* or, by `Fenced`, nothing."""

    async def ask(self, request: Request) -> None:
        """Leave a request for the leader; the same id twice is one request."""

    async def requests(self) -> list[Request]:
        """Return what is asked and not done, the oldest first."""

    async def cursors(self) -> list[Cursor]:
        """Return how far each schedule has come."""

    async def rows(self, wanted: Wanted) -> list[Fire]:
        """Return rows, the newest first."""

    async def prune(self, fence: int, before: float) -> int:
        """Remove rows that were over before *before*; return how many."""

    async def close(self) -> None:
        """Let go of what it holds."""
