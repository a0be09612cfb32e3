"""What a worker does about its runners: what it holds, what it sees, and what follows from both.

A runner that nobody here holds and of which nothing is known yet is left alone: the server is
asked first. And what the server does not say is no reason for anything: a silent server stops
nobody's job.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from steersman.core.reports import Reason

CREATING = 60.0
"""Seconds for which a worker tries to make a runner before it gives the attempt back."""
UNSEEN = 60.0
"""Seconds in which a runner that was made must show itself."""
CANCELLING = 15.0
"""Seconds in which a runner hears from the server itself that it is cancelled."""
LEAVING = 10.0
"""Seconds for a runner whose attempt is over: it hears so itself, and clears its things away."""
CLOSING = 10.0
"""Seconds for what an ended runner leaves to end by itself before it is removed: what still runs
then is confirmed by its node alone, which may take the node a minute."""
STOPPING = 30.0
"""Seconds a runner that is not wanted any more has to stop before it is killed."""


class Phase(StrEnum):
    """How far the holder of an attempt is: no runner *made* yet, made, or seen *running*."""

    WANTED = "wanted"
    MADE = "made"
    RUNNING = "running"


class State(StrEnum):
    """What a cluster sees of a runner."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


class Kind(StrEnum):
    """What a worker reports of an attempt it gives up."""

    LOST = "lost"
    RELEASED = "released"
    REJECTED = "rejected"


class Stage(StrEnum):
    """How far a runner has got that others bring up: a scheduler, and a node.

    Being *placed*, *pulling* our image, and being *prepared* for the rest of it to begin have to
    pass in time; *waiting* for a place may last, and in the others something of ours runs.
    """

    WAITING = "waiting"
    PLACED = "placed"
    PULLING = "pulling"
    PREPARING = "preparing"
    PREPARED = "prepared"
    RUNNING = "running"


STAGES = {Stage.PLACED: 20.0, Stage.PULLING: 15 * 60.0, Stage.PREPARED: 20.0}
"""How many seconds a stage may last in which nothing of ours runs."""
BRIEF = frozenset({Stage.PLACED, Stage.PREPARED})
"""Stages that a node which is well leaves in a moment, unless it has others to begin first."""
BUSY = 5 * 60.0
"""The most seconds for which a node that begins other runners is waited for."""


class Held(NamedTuple):
    """An attempt this worker holds, in its *phase* since *since*.

    *cancelled* is when the server said that it is to end; *stopped*, that its runner was told so.
    *stage* is the one it was last seen in, from *entered* on by our clock: others' may differ.
    *looked* tells that it was looked at anew since then.
    """

    attempt: str
    lease: int
    phase: Phase
    since: float
    cancelled: float | None = None
    stopped: bool = False
    stage: Stage | None = None
    entered: float = 0.0
    looked: bool = False


class Note(NamedTuple):
    """What a cluster sees of a part of a runner, as of `wire.Note`.

    With a *reason* the attempt cannot go on; *permanent*: nor would another one.
    """

    kind: str
    container: str
    text: str
    reason: Reason | None = None
    permanent: bool = False


class Seen(NamedTuple):
    """A runner as its cluster sees it.

    *started* is None as long as it never ran, *placed* false while it waits for a place to run.
    *reason* is why it ended or never will begin, *leaving* that it is being removed already, and
    *closing* that it ended, and what is left of it is about to.
    """

    attempt: str
    state: State
    started: float | None = None
    note: str = ""
    placed: bool = True
    stage: Stage | None = None
    node: str = ""
    notes: tuple[Note, ...] = ()
    reason: Reason | None = None
    leaving: bool = False
    closing: bool = False


class Gone(NamedTuple):
    """An attempt whose runner has no business here from *at* on; *stopped* is when it was told."""

    attempt: str
    at: float
    stopped: float | None = None


class Create(NamedTuple):
    """Make a runner; harmless where there is one."""

    attempt: str


class Look(NamedTuple):
    """Ask the cluster anew how a runner stands: what it told us may be old."""

    attempt: str


class Stop(NamedTuple):
    """Ask a runner to end."""

    attempt: str


class Kill(NamedTuple):
    """End a runner that did not stop."""

    attempt: str


class Delete(NamedTuple):
    """Remove what an ended runner left."""

    attempt: str


class Report(NamedTuple):
    """Tell the server that this worker gives an attempt up, and why; then it is `Gone`.

    *permanent*: another attempt would end the same way, and it is the user's to mend.
    """

    attempt: str
    lease: int
    kind: Kind
    reason: Reason | None
    message: str
    permanent: bool = False


Action = Create | Look | Stop | Kill | Delete | Report


def plan(
    held: Iterable[Held],
    seen: Iterable[Seen],
    gone: Iterable[Gone],
    now: float,
    only: Container[str] | None = None,
) -> tuple[Action, ...]:
    """Say what is to be done now; once it is done, the plan is empty until something changes.

    *only* some are gone into where nothing has changed for the others, and no time run out.
    """
    there = {each.attempt: each for each in seen}
    every = tuple(held)
    if only is None:
        return (*_keep(every, every, there, now), *_clear(gone, there, now))
    some = tuple(each for each in every if each.attempt in only)
    over = (each for each in gone if each.attempt in only)
    return (*_keep(some, every, there, now), *_clear(over, there, now))


def _keep(
    some: tuple[Held, ...], every: tuple[Held, ...], there: Mapping[str, Seen], now: float
) -> Iterator[Action]:
    # Of a thousand that wait for a place none is waited for like this: look no further.
    late = any(each.stage in BRIEF for each in some)
    lively = _lively(every, there) if late else {}
    for each in some:
        seen = there.get(each.attempt)
        if each.phase is Phase.WANTED:
            action = _prepare(each, seen, now)
        elif seen is not None and each.stage in BRIEF:
            action = _watch(_waited_for(each, seen, lively), seen, now)
        else:
            action = _watch(each, seen, now)
        if action is not None:
            yield action


def _lively(held: Iterable[Held], there: Mapping[str, Seen]) -> dict[str, float]:
    """Return when each node last went on with a runner of ours."""
    found: dict[str, float] = {}
    for each in held:
        seen = there.get(each.attempt)
        if seen is not None and each.stage in (Stage.PREPARING, Stage.PREPARED, Stage.RUNNING):
            found[seen.node] = max(found.get(seen.node, 0.0), each.entered)
    return found


def _waited_for(held: Held, seen: Seen, lively: Mapping[str, float]) -> Held:
    """Let the time of a stage begin anew while its node begins others, one after the other."""
    last = min(lively.get(seen.node, 0.0), held.entered + BUSY)
    return held._replace(entered=max(held.entered, last))


def _prepare(held: Held, seen: Seen | None, now: float) -> Action | None:
    """An attempt for which no runner was made, as far as this worker knows."""
    if held.cancelled is not None:
        return _report(held, Kind.RELEASED, None, "cancelled before its runner was made")
    if now - held.since >= CREATING:
        return _report(held, Kind.RELEASED, None, "its runner could not be made")
    if seen is not None and seen.state is State.ENDED:
        # Left over from an earlier lease of the same attempt, which the server then took back.
        return Delete(held.attempt)
    return Create(held.attempt)


def _watch(held: Held, seen: Seen | None, now: float) -> Action | None:
    """An attempt whose runner was made.

    A runner ends only after its record was acknowledged: then the server takes no notice of the
    report. Without a record nobody else can know so soon.
    """
    if seen is None:
        if held.phase is Phase.RUNNING:
            return _report(held, Kind.LOST, Reason.RUNNER_GONE, "its runner is gone without trace")
        if now - held.since >= UNSEEN:
            return _report(held, Kind.LOST, Reason.RUNNER_GONE, "its runner was made, never seen")
        return None
    if seen.state is State.ENDED:
        why = f"its runner ended: {seen.note}" if seen.note else "its runner ended"
        return _lost(held, seen, Reason.RUNNER_ENDED, why)
    lasted = _stuck(held, seen, now)
    if lasted is not None:
        if not held.looked:
            return Look(held.attempt)
        return _lost(held, seen, Reason.NEVER_STARTED, lasted)
    if held.stopped or held.cancelled is None or now - held.cancelled < CANCELLING:
        return None
    return Stop(held.attempt)


def _stuck(held: Held, seen: Seen, now: float) -> str | None:
    """Say what stands against a runner that will not begin where it is, or not in time."""
    if seen.reason is not None and seen.started is None:
        return seen.note
    most = STAGES.get(held.stage) if held.stage is not None else None
    if most is None or held.stage is not seen.stage or now - held.entered < most:
        return None
    node = f"node {seen.node}" if seen.node else "its node"
    what = "did not go on with" if held.stage is Stage.PREPARED else "did not start"
    if held.stage is Stage.PULLING:
        what = "could not fetch our image for"
    return f"{node} {what} it in {most:g} s" + (f": {seen.note}" if seen.note else "")


def _lost(held: Held, seen: Seen, otherwise: Reason, why: str) -> Report:
    """Report a loss; the user's mistake, if its pod shows one, goes before what became of us."""
    for note in seen.notes:
        if note.permanent:
            known = note.reason or Reason.REJECTED
            return Report(held.attempt, held.lease, Kind.LOST, known, note.text, permanent=True)
    return _report(held, Kind.LOST, seen.reason or otherwise, why)


def _report(held: Held, kind: Kind, reason: Reason | None, message: str) -> Report:
    return Report(held.attempt, held.lease, kind, reason, message)


def _clear(gone: Iterable[Gone], there: Mapping[str, Seen], now: float) -> Iterator[Action]:
    for each in gone:
        seen = there.get(each.attempt)
        if seen is None or now < each.at:
            continue
        if seen.state is State.ENDED:
            if not seen.closing or now - each.at >= CLOSING:
                yield Delete(each.attempt)
        elif each.stopped is None and (seen.leaving or now - each.at >= LEAVING):
            yield Stop(each.attempt)
        elif each.stopped is not None and now - each.stopped >= STOPPING:
            yield Kill(each.attempt)


def free(
    slots: int, held: Iterable[Held], seen: Iterable[Seen], others: Container[str] = ()
) -> int:
    """Say how many more attempts fit: whatever is held or not yet ended takes a slot.

    What *others* hold does not take one of ours, nor what is being removed: on a sick node that
    may last for ever.
    """
    busy = {each.attempt for each in held}
    if len(busy) < slots:
        busy |= {
            each.attempt
            for each in seen
            if each.state is not State.ENDED and not each.leaving and each.attempt not in others
        }
    return max(0, slots - len(busy))
