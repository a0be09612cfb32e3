"""What a runner's heartbeat is answered with."""

from __future__ import annotations

from steersman import wire
from steersman.core.attempts import Attempt, State
from steersman.core.reports import Note


def of(item: Attempt) -> wire.Orders:
    """Say what the runner of *item* is to do, and what its worker sees of the pod."""
    cancelling = item.state is State.CANCELLING
    orders: wire.Orders = {"cancel": (item.message or "cancelled") if cancelling else None}
    if item.node is not None or item.notes:
        orders["notes"] = notes(item)
    return orders


def notes(item: Attempt) -> list[wire.Note]:
    """Return the notes as they are told."""
    return [_note(each) for each in item.notes]


def _note(note: Note) -> wire.Note:
    said: wire.Note = {"kind": note.kind, "container": note.container, "text": note.text}
    if note.reason:
        said["reason"] = note.reason
    if note.permanent:
        said["permanent"] = True
    return said


def pressing(item: Attempt, known: list[wire.Note] | None) -> bool:
    """Tell whether there is something to say at once to a runner that *known* of notes."""
    return item.state is State.CANCELLING or (known is not None and known != notes(item))
