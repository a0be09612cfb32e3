"""A schedule as it was written: when, and what to do about lateness, overlap and failure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from steersman.core.schedules.timetables import Tables


class Catching(StrEnum):
    """What happens to instants that passed while nobody was there to launch them."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class CatchUp(NamedTuple):
    """*most* bounds `all`: the newest so many are launched."""

    kind: Catching = Catching.LATEST
    most: int = 100


class Overlapping(StrEnum):
    """What happens to an instant while an earlier run still goes on."""

    ALLOW = "allow"
    FORBID = "forbid"
    REPLACE = "replace"
    BUFFER_ONE = "buffer-one"
    QUEUE = "queue"


class Overlap(NamedTuple):
    """*most* bounds `queue`: so many wait."""

    kind: Overlapping = Overlapping.ALLOW
    most: int = 10


class Stop(NamedTuple):
    """When a schedule pauses by itself: so many failures in a row, so many successes in all."""

    failures: int | None = None
    successes: int | None = None


class Alarms(NamedTuple):
    """What somebody wants to be told of, in seconds.

    A launch *late* by so much, a run *running* for so long, no success for so long (*silent*), an
    instant that was *missed*.
    """

    late: float | None = None
    running: float | None = None
    silent: float | None = None
    missed: bool = True


class Schedule(NamedTuple):
    """One schedule. *name* is its identity; *version* changes with what it says.

    *deadline* is how late a launch may be, *jitter* by how much each is moved, *group* a name that
    several schedules share to keep out of each other's way. *attempts* bounds how often a run that
    was lost with its node is launched again. *starts* and *ends* bound the instants.
    """

    name: str
    tables: Tables
    texts: tuple[str, ...] = ()
    catch_up: CatchUp = CatchUp()
    deadline: float | None = None
    overlap: Overlap = Overlap()
    group: str | None = None
    jitter: int = 0
    priority: int = 0
    project: str = ""
    attempts: int = 3
    stop: Stop = Stop()
    alarms: Alarms = Alarms()
    starts: int | None = None
    ends: int | None = None
    version: str = ""

    @property
    def lane(self) -> str:
        """Return the name under which runs keep out of each other's way."""
        return f"group/{self.group}" if self.group else f"schedule/{self.name}"

    @property
    def is_alone(self) -> bool:
        """Tell whether nobody is ever in its way."""
        return self.group is None and self.overlap.kind is Overlapping.ALLOW


class Pause(NamedTuple):
    """Somebody wants no launches from *since* on; instants meanwhile are skipped, never missed."""

    since: float
    by: str
    reason: str
    until: float | None = None

    def over(self, now: float) -> bool:
        return self.until is not None and now >= self.until


class Cursor(NamedTuple):
    """How far a schedule has come: each instant up to *decided* is in the ledger.

    *failures* are those in a row, *successes* all of them.
    """

    schedule: str
    decided: int
    created: float
    version: str = ""
    pause: Pause | None = None
    failures: int = 0
    successes: int = 0
    last_success: float | None = None
    last_fired: int | None = None
