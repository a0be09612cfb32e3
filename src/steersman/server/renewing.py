"""What a worker holds and what it found: looked at together, written only where it changes.

A worker may hold a thousand runners, and most of what it says of them is what it said before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from steersman import wire
from steersman.core import attempts, leases
from steersman.core.attempts import Attempt, State
from steersman.core.reports import Note, Renewed
from steersman.server import moving, pods
from steersman.server.platform import Platform
from steersman.store import attempts as attempt_rows
from steersman.store.base import Transaction
from steersman.store.tables import attempts as attempt_table
from steersman.store.tables import workers

AT_ONCE = 100
"""Rows in one transaction: while they are locked their runners' heartbeats wait."""
NAME = 253
"""The longest name of a node."""
MOST_NOTES = 20
MOST_TEXT = 2000


class Sorted(NamedTuple):
    """Attempts as of `wire.Renewed`; *mine* go on, or may be adopted."""

    mine: list[str]
    stop: list[str]
    gone: list[str]
    others: list[str]


class _Look(NamedTuple):
    now: float
    attempts: Mapping[str, Attempt]
    heard: frozenset[str]
    """Workers that were heard lately."""


async def renew(parts: Platform, held: Sequence[wire.Held]) -> Sorted:
    """Renew what is held, and say what of it is over or another's."""
    looked = await _look(parts, [each["attempt"] for each in held])
    found = Sorted([], [], [], [])
    changing = []
    for each in held:
        old = looked.attempts.get(each["attempt"])
        if old is None or old.state.is_final:
            found.gone.append(each["attempt"])
        elif old.lease is None or old.lease.number != each["lease"]:
            found.others.append(old.id)
        else:
            (found.stop if old.state is State.CANCELLING else found.mine).append(old.id)
            masked = await _masked(parts, each, old)
            if attempts.advance(old, _event(masked, looked.now), looked.now) is not old:
                changing.append(masked)
    # In one order, so that two who renew the same never wait for each other.
    changing.sort(key=lambda each: each["attempt"])
    for some in _pieces(changing):
        await parts.store.write(lambda tx, some=some: _write(tx, parts, some))  # type: ignore[misc]
    return found


async def _masked(parts: Platform, held: wire.Held, old: Attempt) -> wire.Held:
    """Take the secrets out of notes that are new: they may quote the log of a service."""
    notes = held.get("notes")
    if not notes or tuple(map(_note, notes)) == old.notes:
        return held
    mask = await parts.store.read(lambda tx: pods.mask(tx, parts, old.id))
    masked: list[wire.Note] = [{**each, "text": mask(each["text"])} for each in notes[:MOST_NOTES]]
    return {**held, "notes": masked}


async def sort_found(parts: Platform, worker: str, found: Sequence[str]) -> Sorted:
    """Say which of the runners that *worker* found it may try to adopt: not those of the living."""
    looked = await _look(parts, found)
    answer = Sorted([], [], [], [])
    for identity in found:
        item = looked.attempts.get(identity)
        if item is None or item.state.is_final:
            answer.gone.append(identity)
        elif item.lease is not None and _may_adopt(item, item.lease, worker, looked):
            answer.mine.append(identity)
        else:
            answer.others.append(identity)
    return answer


def _may_adopt(item: Attempt, lease: leases.Lease, worker: str, looked: _Look) -> bool:
    gone = lease.worker not in looked.heard
    started = item.runner is not None
    return leases.may_adopt(lease, worker, looked.now, started=started, holder_gone=gone)


async def _look(parts: Platform, identities: Sequence[str]) -> _Look:
    """Look at all of these rows at once, and lock none."""
    if not identities:
        return _Look(0.0, {}, frozenset())

    def look(tx: Transaction) -> _Look:
        rows = tx.all(select(attempt_table).where(attempt_table.c.id.in_(set(identities))))
        lately = select(workers.c.name).where(workers.c.seen >= tx.now - 2 * leases.SECONDS)
        heard = frozenset(row["name"] for row in tx.all(lately))
        return _Look(tx.now, {row["id"]: attempt_rows.attempt(row) for row in rows}, heard)

    return await parts.store.scan(look)


def _write(tx: Transaction, parts: Platform, held: Iterable[wire.Held]) -> None:
    for each in held:
        row = attempt_rows.load(tx, each["attempt"], lock=True)
        if row is None:
            continue
        old = attempt_rows.attempt(row)
        new = attempts.advance(old, _event(each, tx.now), tx.now)
        if new is not old:
            attempt_rows.save(tx, new, parts.queue.rules.deadlines)
        if new.notes != old.notes:
            tx.wake(moving.attempt_topic(old.id))


def _pieces(held: list[wire.Held]) -> Iterator[list[wire.Held]]:
    for start in range(0, len(held), AT_ONCE):
        yield held[start : start + AT_ONCE]


def _event(held: wire.Held, now: float) -> Renewed:
    notes = held.get("notes")
    return Renewed(
        held["lease"],
        now + leases.SECONDS,
        held.get("placed", True),
        held.get("note", ""),
        held.get("node", "")[:NAME],
        None if notes is None else tuple(_note(each) for each in notes[:MOST_NOTES]),
    )


def _note(said: wire.Note) -> Note:
    return Note(
        said["kind"][:40],
        said["container"][:100],
        said["text"][:MOST_TEXT],
        said.get("reason", "")[:40],
        said.get("permanent", False),
    )
