"""What may be told of an attempt, and by whom.

What a worker tells carries the number of its lease, what a runner tells the number of the attempt
and the runner's own id: everything may come late, twice and in any order, and from somebody who
was replaced meanwhile.
"""

from __future__ import annotations

from typing import NamedTuple

from steersman.core.reasons import Reason as Reason
from steersman.core.reasons import known_reason as known_reason


class Note(NamedTuple):
    """What a worker sees of a runner's pod: `wire.Note`."""

    kind: str
    container: str
    text: str
    reason: str = ""
    permanent: bool = False


PULLING = "pulling"
"""The kind of the note that an image is on its way."""


class Leased(NamedTuple):
    """The queue gave the attempt to *worker*. *lease* is one more than the attempt ever had."""

    lease: int
    worker: str
    until: float


class Adopted(NamedTuple):
    """Another worker took over; *lease* is one more than that of the one before."""

    lease: int
    worker: str
    until: float


class Renewed(NamedTuple):
    """The worker still prepares a runner, or watches it. *note* is what it sees: `pulling node:20`.

    The time to start counts from the moment a place was found: while the runner still waits for
    one (*placed* is False) it has not begun. *node* is that place; *notes* are all that stands
    now, None where nothing is said.
    """

    lease: int
    until: float
    placed: bool = True
    note: str = ""
    node: str = ""
    notes: tuple[Note, ...] | None = None


class Released(NamedTuple):
    """The worker gives the attempt back; it has made no runner."""

    lease: int


class Rejected(NamedTuple):
    """What the pipeline asks for cannot run there, and repeating will not help."""

    lease: int
    message: str = ""


class Lost(NamedTuple):
    """The worker sees that the runner cannot start, or is no more.

    *permanent*: it would happen again, and is the user's to mend. *node* is where it happened.
    """

    lease: int
    reason: Reason = Reason.RUNNER_GONE
    message: str = ""
    permanent: bool = False
    node: str = ""


class Started(NamedTuple):
    """The runner is up, on *node* if it is a pod. The first that reports is the only one."""

    attempt: int
    runner: str
    node: str = ""


class Heartbeat(NamedTuple):
    """The runner is there."""

    attempt: int
    runner: str


class Succeeded(NamedTuple):
    """The runner's completion record: everything passed. Nothing else makes an attempt green."""

    attempt: int
    runner: str
    message: str = ""


class Failed(NamedTuple):
    """The runner's completion record: the user's to mend."""

    attempt: int
    runner: str
    reason: Reason = Reason.STEP_FAILED
    message: str = ""


class Errored(NamedTuple):
    """The runner's completion record: ours to mend."""

    attempt: int
    runner: str
    reason: Reason = Reason.INTERNAL
    message: str = ""


class Stopped(NamedTuple):
    """The runner's completion record: it was told to stop and did."""

    attempt: int
    runner: str
    message: str = ""


class CancelRequested(NamedTuple):
    """Somebody, or a plan, wants the attempt to end."""

    reason: Reason = Reason.REQUESTED
    message: str = ""


WorkerReport = Renewed | Released | Rejected | Lost
Grant = Leased | Adopted
Record = Succeeded | Failed | Errored | Stopped
RunnerReport = Started | Heartbeat | Record
Event = Grant | WorkerReport | RunnerReport | CancelRequested
EVENTS: tuple[type[Event], ...] = (
    Leased, Adopted, Renewed, Released, Rejected, Lost,
    Started, Heartbeat, Succeeded, Failed, Errored, Stopped, CancelRequested,
)  # fmt: skip
RECORDS = (Succeeded, Failed, Errored, Stopped)
