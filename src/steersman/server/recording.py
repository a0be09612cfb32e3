"""What comes along with a completion record: the last of the log and of the steps.

It is taken in with the record, or none of it is: a runner that did not hear our answer sends the
same again.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from steersman import wire
from steersman.core.attempts import State
from steersman.core.errors import Conflict, UserError
from steersman.core.intervals import LAST_PIECE
from steersman.server.platform import Platform
from steersman.store import logs, steps
from steersman.store.base import Row, Transaction
from steersman.store.logs import Piece

LATEST = 1e11
"""Seconds since the epoch that every calendar can spell; no duration is longer either."""
MOST_STEPS = 1000
NO_PIECE: wire.LastPiece = {"offset": 0, "at": 0.0, "data": ""}


class Rest(NamedTuple):
    """What a record brings along, checked. *size* is how long the log is to be with it."""

    runner: str
    steps: list[wire.StepState]
    offset: int
    data: bytes
    at: float
    size: int


def check_steps(said: list[wire.StepState]) -> None:
    """Let nothing in that nobody could be shown: NaN is not between anything."""
    if len(said) > MOST_STEPS:
        raise UserError(f"steps: at most {MOST_STEPS} at once")
    for step in said:
        if not 0 <= step["began"] <= LATEST:
            raise UserError(f"steps: the step {step['number']} began at no time")
        for spent in (step.get("seconds"), step.get("cpu")):
            if spent is not None and not -LATEST <= spent <= LATEST:
                raise UserError(f"steps: the step {step['number']} took no time there is")


def rest(body: wire.Record, parts: Platform) -> Rest:
    """Return what *body* brings along."""
    said = body.get("log", NO_PIECE)
    try:
        data = base64.b64decode(said["data"], validate=True)
    except (binascii.Error, ValueError):
        raise UserError("log: its data must be in base64") from None
    if len(data) > LAST_PIECE or said["offset"] < 0 or not 0 <= said["at"] <= LATEST:
        raise UserError(f"log: at most {LAST_PIECE} bytes, from 0, at a time there is")
    if said["offset"] + len(data) > parts.settings.log_limit:
        raise UserError(f"the log is longer than {parts.settings.log_limit} bytes")
    found: list[wire.StepState] = body.get("steps", [])
    check_steps(found)
    at = said["at"] or parts.clock.now()
    return Rest(body["runner"], found, said["offset"], data, at, body["log_size"])


def keep(tx: Transaction, row: Row, rest: Rest) -> None:
    """Keep it for the attempt of *row*, unless that has ended; raise where the log has a gap."""
    if State(row["state"]).is_final:
        return
    size = row["log_size"]
    if row["runner"] == rest.runner:
        if rest.offset <= size < rest.offset + len(rest.data):
            data = rest.data[size - rest.offset :]
            piece = Piece(row["id"], size, len(data), data.count(b"\n"), rest.at, data)
            size, _ = logs.append(tx, piece)
        if rest.steps:
            steps.keep(tx, row, rest.steps)
    if size < rest.size:
        raise Conflict(f"only {size} of {rest.size} bytes of the log are here")
