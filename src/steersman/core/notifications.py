"""What the outside is told of runs: who wants to hear what, in which order, and when again.

Forges hear every state of a run, in order. People and programs hear news, each piece once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.core import patterns
from steersman.core.errors import UserError
from steersman.core.forges.base import Forge
from steersman.core.forges.statuses import Status, legal
from steersman.core.runs import State


class Kind(StrEnum):
    """Ways to tell somebody."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    STATUS = "status"


class News(StrEnum):
    """What a target may want to hear of."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FIXED = "fixed"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    APPROVAL = "approval"
    ALARM = "alarm"


DEFAULT_NEWS = frozenset({News.FAILED, News.FIXED, News.ALARM})
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 10800.0, 25200.0, 43200.0)
"""Seconds after each try but the last: ten tries in about a day."""
_JITTER = 0.1
_TARGET_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ADDRESS = re.compile(r"[!-?A-~]{1,200}@[A-Za-z0-9.-]{1,200}")
_WEB = re.compile(r"https?://[!-~]{1,2000}")
# Cancelling is no status: what is being cancelled still runs.
STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        State.WAITING: Status.PENDING,
        State.APPROVAL: Status.PENDING,
        State.QUEUED: Status.PENDING,
        State.RUNNING: Status.RUNNING,
        State.SUCCEEDED: Status.SUCCEEDED,
        State.FAILED: Status.FAILED,
        State.ERRORED: Status.ERRORED,
        State.CANCELLED: Status.CANCELLED,
        State.SKIPPED: Status.SKIPPED,
    }
)


class Target(NamedTuple):
    """Somebody to tell. *branches* are patterns, none means every branch."""

    id: str
    kind: Kind
    url: str = ""
    to: tuple[str, ...] = ()
    on: frozenset[str] = DEFAULT_NEWS
    branches: tuple[str, ...] = ()


class Change(NamedTuple):
    """A run, or one *job* of it, is now in *state*; *seq* counts the states of a run up.

    *event* is the kind of its trigger, *pull* the number of a pull request, *why* one line about
    how it ended. *fixed*: what failed before succeeds again.
    """

    run: str
    seq: int
    state: str
    at: float
    project: str = ""
    number: int = 0
    name: str = ""
    job: str = ""
    event: str = ""
    branch: str = ""
    tag: str = ""
    pull: int = 0
    commit: str = ""
    author: str = ""
    why: str = ""
    fixed: bool = False


def change(fields: Mapping[str, Any]) -> Change:
    """Read a change as it was stored, maybe by another version of us."""
    return Change(**{key: value for key, value in fields.items() if key in Change._fields})


def targets(settings: Mapping[str, Any] | None) -> tuple[Target, ...]:
    """Return the targets in the settings of a project, without those that make no sense."""
    found = []
    for fields in (settings or {}).get("notify") or ():
        try:
            found.append(target(fields))
        except UserError:
            continue
    return tuple(found)


def target(fields: Any) -> Target:
    """Read one target; `UserError` says what is wrong with it."""
    if not isinstance(fields, Mapping):
        raise UserError("a target of notifications is an object", hint='begin with {"kind": ...}')
    identity, kind = fields.get("id"), fields.get("kind")
    if not isinstance(identity, str) or not _TARGET_ID.fullmatch(identity):
        raise _wrong("id", identity, "up to 64 letters, digits, dots, dashes and underscores")
    if kind not in list(Kind):
        raise _wrong("kind", kind, f"one of {', '.join(Kind)}")
    on = _texts(fields, "on") or tuple(DEFAULT_NEWS)
    if unknown := next((each for each in on if each not in list(News)), None):
        raise _wrong("on", unknown, f"some of {', '.join(News)}")
    url, to = fields.get("url") or "", _texts(fields, "to")
    if kind == Kind.WEBHOOK and not (isinstance(url, str) and _WEB.fullmatch(url)):
        raise _wrong("url", url, "an address that begins with https:// or http://")
    if kind == Kind.EMAIL and not (to and all(map(_ADDRESS.fullmatch, to))):
        raise _wrong("to", list(to), "one or more addresses such as ada@example.com")
    return Target(identity, Kind(kind), str(url), to, frozenset(on), _texts(fields, "branches"))


def _texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = fields.get(name) or ()
    found = (given,) if isinstance(given, str) else given
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise _wrong(name, given, "a list of texts")
    return tuple(found)


def _wrong(name: str, given: object, wanted: str) -> UserError:
    return UserError(
        f"a target of notifications cannot have the {name} {str(given)[:80]!r}",
        hint=f"write {wanted}",
    )


def wanted(targets: Iterable[Target], change: Change) -> tuple[Target, ...]:
    """Return those of *targets* that are to hear of *change*."""
    heard = [each for each in targets if patterns.allows(each.branches, change.branch)]
    found = news(change)
    is_status = not change.job and bool(change.commit) and change.state in STATUSES
    return tuple(
        each for each in heard if (is_status if each.kind is Kind.STATUS else found & each.on)
    )


def news(change: Change) -> frozenset[News]:
    """Return what *change* is to people; nothing while a run is queued or its jobs go on."""
    if change.job:
        waits = change.state == State.APPROVAL
        return frozenset({News.APPROVAL} if waits else ())
    if change.state == State.SUCCEEDED and change.fixed:
        return frozenset({News.SUCCEEDED, News.FIXED})
    if change.state == State.RUNNING:
        return frozenset({News.STARTED})
    final = (State.SUCCEEDED, State.FAILED, State.ERRORED, State.CANCELLED)
    return frozenset({News(change.state)} if change.state in final else ())


def key(target: Target, change: Change) -> str:
    """Return what tells this message from all others: noted twice, it is still one."""
    if target.kind is Kind.STATUS:
        return f"status/{change.run}/{change.seq}/{target.id}"
    if change.job:
        return f"approval/{change.run}/{change.job}/{target.id}"
    # A run may stop for an approval and go on: it starts only once.
    part = News.STARTED if change.state == State.RUNNING else str(change.seq)
    return f"run/{change.run}/{part}/{target.id}"


def next_try(tries: int, now: float, key: str) -> float | None:
    """Return when to try again after so many *tries*, None when that were enough.

    Chance that *key* decides keeps what failed together from coming back together.
    """
    if tries > len(PAUSES):
        return None
    digest = hashlib.sha256(f"{key}/{tries}".encode("utf-8", "replace")).digest()
    chance = int.from_bytes(digest[:4]) / 2**32
    return now + PAUSES[max(tries, 1) - 1] * (1 - _JITTER + 2 * _JITTER * chance)


class Turn(StrEnum):
    """Whether a status may be sent now, has to wait, or comes too late."""

    SEND = "send"
    WAIT = "wait"
    SUPERSEDED = "superseded"


class Stand(NamedTuple):
    """Where one status of a run stands: *state* is that of its message."""

    seq: int
    status: Status
    state: str
    in_flight: bool = False


def turn(forge: Forge | None, mine: Stand, others: Iterable[Stand]) -> Turn:
    """Say whether *mine* may be sent, beside the *others* of the same run and target."""
    known = [each for each in others if each.state != Turn.SUPERSEDED]
    if any(each.seq > mine.seq for each in known):
        return Turn.SUPERSEDED
    if any(each.in_flight for each in known):
        return Turn.WAIT
    sent = [each for each in known if each.state == "sent"]
    before = max(sent, key=lambda each: each.seq).status if sent else None
    if forge is not None and not legal(forge, before, mine.status):
        return Turn.SUPERSEDED
    return Turn.SEND
