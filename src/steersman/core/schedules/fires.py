"""The ledger's rows: each planned instant, and what became of it.

A row that is over says fired, skipped or missed, and why. Instants that passed unseen share one row
as long as they are neighbours in their timetable: *until* is its last instant, *covers* says how
many it stands for.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where an instant stands. *claimed*: somebody is about to launch it, or was."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    FIRED = "fired"
    SKIPPED = "skipped"
    MISSED = "missed"

    # That of an enumeration is slow, and rows are found by keys that hold one.
    __hash__ = str.__hash__

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({State.FIRED, State.SKIPPED, State.MISSED})


class Kind(StrEnum):
    """Why there is a row: its time came, somebody asked, or a range was filled."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"

    __hash__ = str.__hash__


class Reason(StrEnum):
    """Why a row is what it is."""

    DUE = "due"
    CAUGHT_UP = "caught-up"
    ASKED = "asked"
    OVERLAP = "overlap"
    SUPERSEDED = "superseded"
    BUFFER_FULL = "buffer-full"
    PAUSED = "paused"
    NOT_CAUGHT_UP = "not-caught-up"
    TOO_LATE = "too-late"
    REFUSED = "refused"
    REMOVED = "removed"


class Outcome(StrEnum):
    """How the run of a fired instant goes."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    UNKNOWN = "unknown"


class Key(NamedTuple):
    """What a row is unique by."""

    schedule: str
    instant: int
    kind: Kind


class Fire(NamedTuple):
    """One row. *due* is when to launch, *since* when the state began, *attempt* counts launches.

    *holder* and *fence* say who launched it under which number of leadership, *run* and *uid* what
    came of it, *by* who asked. *delays* counts tries that found nobody to launch it.
    """

    schedule: str
    instant: int
    kind: Kind
    state: State
    reason: Reason
    due: float
    since: float
    message: str = ""
    until: int | None = None
    covers: int = 1
    attempt: int = 1
    holder: str = ""
    fence: int = 0
    run: str = ""
    uid: str = ""
    outcome: Outcome | None = None
    launched: float | None = None
    ended: float | None = None
    by: str = ""
    delays: int = 0

    @property
    def key(self) -> Key:
        return Key(self.schedule, self.instant, self.kind)

    @property
    def last(self) -> int:
        """Return the last instant it stands for."""
        return self.instant if self.until is None else self.until

    @property
    def open(self) -> bool:
        """Tell whether there is still something to do or to watch."""
        return not self.state.is_final or self.outcome is Outcome.RUNNING


def planned(
    schedule: str, instant: int, due: float, now: float, reason: Reason = Reason.DUE
) -> Fire:
    """Return the row of an instant that is to be launched."""
    return Fire(schedule, instant, Kind.SCHEDULED, State.PLANNED, reason, due, now)


def ended(fire: Fire, state: State, reason: Reason, message: str, now: float) -> Fire:
    """Return *fire* skipped or missed."""
    return fire._replace(state=state, reason=reason, message=message, since=now)


def claimed(fire: Fire, holder: str, fence: int, now: float, run: str) -> Fire:
    """Return *fire* as it is right before it is launched as *run*."""
    return fire._replace(
        state=State.CLAIMED, holder=holder, fence=fence, since=now, run=run, uid=""
    )


def fired(fire: Fire, uid: str, now: float) -> Fire:
    """Return *fire* launched."""
    return fire._replace(
        state=State.FIRED, since=now, launched=now, uid=uid, outcome=Outcome.RUNNING
    )


def again(fire: Fire, why: str, now: float) -> Fire:
    """Return *fire* to be launched once more: its run was lost, the instant is the same."""
    return fire._replace(
        state=State.PLANNED, attempt=fire.attempt + 1, since=now, due=now, message=why,
        outcome=None, uid="",
    )  # fmt: skip


def digest(schedule: str, instant: int, kind: Kind, attempt: int) -> str:
    """Return 64 hexadecimal digits that only this launch has, whoever makes it."""
    text = f"{schedule}\0{instant}\0{kind}\0{attempt}"
    return hashlib.sha256(text.encode()).hexdigest()


def jitter(schedule: str, instant: int, most: int) -> int:
    """Return by how many seconds a launch is moved: 0 to *most*, always the same."""
    if most <= 0:
        return 0
    seed = hashlib.sha256(f"jitter\0{schedule}\0{instant}".encode()).digest()
    return int.from_bytes(seed[:8], "big") % (most + 1)
