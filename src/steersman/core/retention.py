"""How long we keep what, and what may go: nothing stays for ever, nothing needed goes.

What is given here was read a moment ago; whoever deletes checks again that it has not changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.core.errors import UserError

DAY = 86400.0
GIGABYTE = 1_000_000_000
KEY = "retention"
"""The key in a project's settings."""
MERGED = 1 << 20
"""Bytes of a log that are merged into one piece, at most."""
MOST_MERGED = 200
"""Pieces that are merged at once, at most."""


class Policy(NamedTuple):
    """How many seconds things are kept; *last_runs* of each branch stay whatever their age.

    *artifacts* is for those without an end of their own, *caches* counts from the last use, *files*
    and *blobs* from when nothing refers to them any more.
    """

    runs: float = 180 * DAY
    last_runs: int = 50
    logs: float = 90 * DAY
    artifacts: float = 30 * DAY
    caches: float = 14 * DAY
    cache_bytes: int = 5 * GIGABYTE
    deliveries: float = 30 * DAY
    events: float = 30 * DAY
    triggers: float = 30 * DAY
    outbox: float = 30 * DAY
    audit: float = 365 * DAY
    answers: float = 2 * DAY
    tokens: float = 30 * DAY
    files: float = 30 * DAY
    blobs: float = DAY


DEFAULT = Policy()


class _Setting(NamedTuple):
    """A key of `retention` in words, and the field it sets in units of *unit*."""

    field: str
    words: str
    unit: float
    most: float


_DAYS = ("runs", "logs", "artifacts", "caches", "deliveries", "events", "triggers", "outbox")
SETTINGS: Mapping[str, _Setting] = MappingProxyType(
    {name: _Setting(name, "a number of days", DAY, 3650) for name in _DAYS}
    | {
        "last-runs": _Setting("last_runs", "a whole number of runs", 1, 10_000),
        "cache-gigabytes": _Setting("cache_bytes", "a number of gigabytes", GIGABYTE, 10_000),
    }
)


def policy(settings: Mapping[str, object] | None, default: Policy = DEFAULT) -> Policy:
    """Read a project's policy off its *settings*; what they do not say is as in *default*."""
    given = (settings or {}).get(KEY)
    if given is None:
        return default
    if not isinstance(given, Mapping):
        raise UserError(
            f"settings: {KEY} is {given!r:.40}, not a map",
            hint='write for example {"runs": 365, "logs": 30}, in days',
        )
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in SETTINGS:
            known = ", ".join(SETTINGS)
            raise UserError(f"settings: {KEY} has no {name!r:.40}", hint=f"known: {known}")
        values[SETTINGS[name].field] = _read(name, value)
    return default._replace(**values)


def _read(name: str, value: object) -> float:
    """Return *value* in seconds, bytes or runs."""
    setting = SETTINGS[name]
    kinds = int if setting.unit == 1 else (int, float)
    if isinstance(value, kinds) and not isinstance(value, bool) and 0 < value <= setting.most:
        amount = value * setting.unit
        return amount if setting.unit == DAY else int(amount)
    raise UserError(
        f"settings: {KEY}: {name} is {value!r:.40}",
        hint=f"give {setting.words} above 0, up to {setting.most:g}",
    )


class RunFacts(NamedTuple):
    """A run as its retention sees it; *ended* is None while it goes on."""

    id: str
    number: int
    branch: str
    name: str
    ended: float | None
    green: bool = False


def runs_to_drop(rows: Iterable[RunFacts], policy: Policy, now: float) -> list[str]:
    """Name the runs that may go, the oldest first; *rows* are whole branches of one project.

    The newest run of a name on its branch that ended stays, and so does the newest green one.
    """
    seen: Counter[str] = Counter()
    taken: set[tuple[str, str, bool]] = set()
    gone: list[str] = []
    for run in sorted(rows, key=lambda run: run.number, reverse=True):
        seen[run.branch] += 1
        if run.ended is None:
            continue
        places = {(run.branch, run.name, False), (run.branch, run.name, run.green)}
        is_newest = not places <= taken
        taken |= places
        if is_newest or seen[run.branch] <= policy.last_runs:
            continue
        if now - run.ended > policy.runs:
            gone.append(run.id)
    return gone[::-1]


class ArtifactFacts(NamedTuple):
    """An artifact as its retention sees it; *ended* and *newest_green* are said of its run."""

    id: str
    project: str
    is_output: bool
    created: float
    expires: float | None
    ended: bool
    newest_green: bool


def artifacts_to_drop(rows: Iterable[ArtifactFacts], policy: Policy, now: float) -> list[str]:
    """Name the artifacts that may go: a run that goes on, or is deployed from, keeps its own."""
    return [
        row.id
        for row in rows
        if row.ended
        and not (row.is_output and row.newest_green)
        and now > (row.created + policy.artifacts if row.expires is None else row.expires)
    ]


class CacheFacts(NamedTuple):
    """A cache as its retention sees it."""

    id: str
    size: int
    used: float


def caches_to_drop(rows: Iterable[CacheFacts], policy: Policy, now: float) -> list[str]:
    """Name the caches of one project that may go: unused for long, or the longest for lack of room.

    One that is too large by itself takes no room from the others.
    """
    gone: list[str] = []
    room = policy.cache_bytes
    is_full = False
    for cache in sorted(rows, key=lambda cache: cache.used, reverse=True):
        if now - cache.used > policy.caches or cache.size > policy.cache_bytes:
            gone.append(cache.id)
            continue
        is_full = is_full or cache.size > room
        if is_full:
            gone.append(cache.id)
        else:
            room -= cache.size
    return gone


class BlobFacts(NamedTuple):
    """A blob that is there; *noted* is since when no row was seen to name it."""

    key: str
    modified: float
    named: bool
    noted: float | None = None


class Judgement(NamedTuple):
    """What to do with some blobs: note them with a time, forget the note, or delete them."""

    note: Mapping[str, float]
    forget: tuple[str, ...]
    delete: tuple[str, ...]


def judge(blobs: Iterable[BlobFacts], policy: Policy, now: float) -> Judgement:
    """Say which blobs may go: writers put a blob before its row, so each has time to be named."""
    note: dict[str, float] = {}
    forget: list[str] = []
    delete: list[str] = []
    for blob in blobs:
        if blob.named:
            forget += [blob.key] if blob.noted is not None else []
        elif blob.noted is None:
            note[blob.key] = now
        elif blob.modified > blob.noted:
            # Put again since: its row may be on the way.
            note[blob.key] = blob.modified
        elif now - blob.noted > policy.blobs:
            delete.append(blob.key)
    return Judgement(note, tuple(forget), tuple(delete))


class PieceFacts(NamedTuple):
    """A piece of a log; one that is *inline* holds its bytes itself."""

    start: int
    stop: int
    inline: bool


def merges(pieces: Sequence[PieceFacts], size: int = MERGED) -> Iterator[tuple[PieceFacts, ...]]:
    """Give the pieces that become one: inline ones side by side, of at most *size* bytes."""
    group: list[PieceFacts] = []
    for piece in pieces:
        follows = bool(group) and piece.inline and piece.start == group[-1].stop
        if follows and len(group) < MOST_MERGED and piece.stop - group[0].start <= size:
            group.append(piece)
            continue
        if len(group) > 1:
            yield tuple(group)
        group = [piece] if piece.inline else []
    if len(group) > 1:
        yield tuple(group)
