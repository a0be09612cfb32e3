"""What a worker remembers: only this, and all of it can be found again after a crash.

Answers may come late and doubled. The number of the lease decides: what was said about an older
one does not touch a newer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from steersman.core import leases
from steersman.core.runners import (
    Action,
    Create,
    Delete,
    Gone,
    Held,
    Kill,
    Look,
    Phase,
    Report,
    Seen,
    State,
    Stop,
)

T = TypeVar("T")
REFUSED = leases.RENEW_EVERY + 5.0
"""Seconds for which a found runner is left alone although its attempt is over: we ask again."""
OTHERS = leases.SECONDS
"""Seconds after which a runner of another worker is asked for again: that one may have died."""


NO_OTHERS: Mapping[str, float] = MappingProxyType({})


class Grant(NamedTuple):
    """What the server gave: by its answer to a request for work, or (*found*) for adoption."""

    attempt: str
    lease: int
    cancelled: bool = False
    found: bool = False


class Asked(NamedTuple):
    """What a renewal was sent with: the leases by attempt, and the runners found."""

    leases: Mapping[str, int]
    found: frozenset[str]

    def only(self, attempts: Collection[str]) -> Asked:
        """Return what of it is about these attempts."""
        leases = {name: lease for name, lease in self.leases.items() if name in attempts}
        return Asked(leases, self.found & frozenset(attempts))


class Holds(NamedTuple):
    """What this worker holds, what it knows to be over, and what it saw last.

    *others* are runners whose attempts another worker holds, and when to ask for them again.
    """

    held: Mapping[str, Held]
    gone: Mapping[str, Gone]
    seen: Mapping[str, Seen]
    others: Mapping[str, float] = NO_OTHERS

    def found(self, now: float) -> frozenset[str]:
        """Return the runners to ask the server for: seen, not held, not known to be over."""
        over = {name for name, each in self.gone.items() if each.at <= now}
        theirs = {name for name, again in self.others.items() if now < again}
        return frozenset(self.seen.keys() - self.held.keys() - over - theirs)


NOTHING = Holds({}, {}, {})


def granted(holds: Holds, grant: Grant, now: float) -> Holds:
    """Take an attempt in, unless the grant is older than the one we have."""
    old = holds.held.get(grant.attempt)
    if old is not None and old.lease >= grant.lease:
        return holds
    cancelled = now if grant.cancelled else None
    if old is not None:
        new = old._replace(lease=grant.lease, cancelled=old.cancelled or cancelled)
    else:
        phase = _phase(holds.seen.get(grant.attempt), found=grant.found)
        new = Held(grant.attempt, grant.lease, phase, now, cancelled)
    gone, others = _without(holds.gone, grant.attempt), _without(holds.others, grant.attempt)
    return holds._replace(held={**holds.held, grant.attempt: new}, gone=gone, others=others)


def _without(mapping: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: each for key, each in mapping.items() if key != name}


def _phase(seen: Seen | None, *, found: bool) -> Phase:
    """Say how far an attempt is that is new to us."""
    if seen is not None and seen.state is State.RUNNING:
        return Phase.RUNNING
    # What was found and never ran was left by a worker that died while it made it: make it whole.
    half_made = seen is not None and seen.started is None
    return Phase.MADE if found and not half_made else Phase.WANTED


def observed(
    holds: Holds, seen: Iterable[Seen], now: float, touched: Collection[str] = ()
) -> Holds:
    """Take in what the cluster sees; what is over and has nothing left there is forgotten.

    Only what it sees anew is gone into, and what was *touched* since the last time.
    """
    there = {each.attempt: each for each in seen}
    held = dict(holds.held)
    for name in _differing(holds.seen, there).union(touched) & held.keys():
        held[name] = _observed(held[name], there.get(name), now)
    gone = {name: each for name, each in holds.gone.items() if name in there}
    others = {name: again for name, again in holds.others.items() if name in there}
    return Holds(held, gone, there, others)


def changed(old: Holds, new: Holds) -> set[str]:
    """Return the attempts of which something else is known."""
    pairs = ((old.held, new.held), (old.gone, new.gone), (old.seen, new.seen))
    return set().union(*(_differing(*both) for both in pairs))


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> set[str]:
    """Return the names under which something else stands, if only something equal."""
    if old is new:
        return set()
    found = {name for name, each in new.items() if old.get(name) is not each}
    return found | (old.keys() - new.keys())


def _observed(held: Held, seen: Seen | None, now: float) -> Held:
    stage = None if seen is None else seen.stage
    if stage is not held.stage:
        held = held._replace(stage=stage, entered=now, looked=False)
    begun = seen is not None and seen.state is State.RUNNING
    if held.phase is Phase.RUNNING or not begun:
        return held
    return held._replace(phase=Phase.RUNNING, since=now)


def asked(holds: Holds, now: float) -> Asked:
    """Say what a renewal is about."""
    numbers = {name: each.lease for name, each in holds.held.items()}
    return Asked(numbers, holds.found(now))


def telling(holds: Holds, name: str) -> tuple[str, ...] | None:
    """Return what the server should soon hear of an attempt that is held: what others wait for."""
    seen = holds.seen.get(name)
    if seen is None or name not in holds.held or not _tells(seen):
        return None
    notes = (text for note in seen.notes for text in (note.kind, note.container, note.text))
    return (name, seen.note, str(seen.placed), *notes)


def _tells(seen: Seen) -> bool:
    waits = seen.state is State.PENDING and bool(seen.note or not seen.placed)
    return waits or bool(seen.notes)


def renewed(
    holds: Holds, about: Asked, stop: Collection[str], gone: Collection[str], now: float
) -> Holds:
    """Take in the answer to the renewal that was *about* these leases."""
    for name in gone:
        held = holds.held.get(name)
        if held is not None and about.leases.get(name) == held.lease:
            holds = over(holds, name, now)
        elif held is None and name in about.found and name not in holds.gone:
            later = Gone(name, now + REFUSED)
            holds = holds._replace(gone={**holds.gone, name: later})
    told = {
        name: holds.held[name]._replace(cancelled=now)
        for name in stop
        if name in holds.held and holds.held[name].cancelled is None
    }
    return holds._replace(held={**holds.held, **told})


def anothers(holds: Holds, about: Asked, names: Collection[str], now: float) -> Holds:
    """Let go of what is another worker's, and leave its runner alone."""
    for name in names:
        held = holds.held.get(name)
        mine = held is not None and about.leases.get(name) != held.lease
        if mine or (held is None and name not in holds.seen):
            continue
        holds = Holds(
            _without(holds.held, name),
            _without(holds.gone, name),
            holds.seen,
            {**holds.others, name: now + OTHERS},
        )
    return holds


def over(holds: Holds, attempt: str, now: float) -> Holds:
    """Let go of an attempt; its runner, if there is one, has to end."""
    held = _without(holds.held, attempt)
    return holds._replace(held=held, gone={**holds.gone, attempt: Gone(attempt, now)})


def done(holds: Holds, action: Action, now: float) -> Holds:
    """Note that *action* was done."""
    name = action.attempt
    match action:
        case Create():
            return _noted(holds, name, phase=Phase.MADE, since=now)
        case Stop():
            if name in holds.gone:
                stopped = holds.gone[name]._replace(stopped=now)
                return holds._replace(gone={**holds.gone, name: stopped})
            return _noted(holds, name, stopped=True)
        case Look():
            return _noted(holds, name, looked=True)
        case Report(_, lease):
            held = holds.held.get(name)
            return _given_up(holds, name, now) if held and held.lease == lease else holds
        case Delete():
            return holds._replace(seen=_without(holds.seen, name))
        case Kill():
            return holds


def _given_up(holds: Holds, name: str, now: float) -> Holds:
    """Let go of what was reported.

    A runner that may be alive is left alone until the server says that its attempt is over: it may
    be heard after all, and another worker may have it by now.
    """
    seen = holds.seen.get(name)
    if seen is None or seen.state is State.ENDED:
        return over(holds, name, now)
    return holds._replace(held=_without(holds.held, name))


def _noted(holds: Holds, name: str, **changes: object) -> Holds:
    held = holds.held.get(name)
    if held is None:
        return holds
    return holds._replace(held={**holds.held, name: held._replace(**changes)})  # type: ignore[arg-type]
