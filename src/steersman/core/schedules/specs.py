"""A schedule of the platform as plain data, from a pipeline file or the API, and what it means.

Its keys are those of the language (`cron`, `timezone`, `catch-up`, ...): what can be written in a
file can be said by API, and is checked by the same readers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from steersman.core.errors import UserError
from steersman.core.schedules import durations, expressions, zones
from steersman.core.schedules.schedule import (
    Alarms,
    Catching,
    CatchUp,
    Overlap,
    Overlapping,
    Schedule,
    Stop,
)
from steersman.core.schedules.timetables import Dst, Fold, Gap

W = TypeVar("W", bound=StrEnum)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
MOST = 10_000
MOST_ATTEMPTS = 10
_END = 253_402_214_400
"""The last day that is written with four digits of a year: times stand between 1970 and here."""
CHECKED_AS = "x"
"""What `H` is made from where only whether it can be read is asked."""
_EMPTY: Mapping[str, Any] = MappingProxyType({})


def check(spec: Mapping[str, Any]) -> None:
    """Raise `UserError`, which says what is wrong and where, unless *spec* can be kept."""
    unknown = spec.keys() - _READERS.keys()
    if unknown:
        known = ", ".join(_READERS)
        raise UserError(f"a schedule has no key {min(unknown)[:40]!r}", hint=f"it may have {known}")
    if "cron" not in spec:
        raise UserError("the schedule says no time", hint="write for example cron: 30 4 * * 1-5")
    for key, value in spec.items():
        value_of(key, value)


def value_of(key: str, value: Any) -> Any:
    """Return what the *value* of one key means; `UserError` where it means nothing."""
    try:
        return (_READERS.get(key) or _INNER[key])(value)
    except UserError as error:
        if type(error) is not UserError:
            raise
        raise UserError(f"{key}: {error}", hint=error.hint) from None


def read(identity: str, spec: Mapping[str, Any], project: str) -> Schedule:
    """Return the schedule that a checked *spec* means; *identity* is what `H` is made from."""
    expression = expressions.parse(spec["cron"], seed=identity)
    found = {key: _READERS[key](value) for key, value in spec.items()}
    table = expressions.table(expression, spec.get("timezone") or "UTC", found.get("dst"))
    group = spec.get("group")
    return Schedule(
        name=identity,
        tables=(table,),
        texts=(spec["cron"],),
        catch_up=found.get("catch-up") or CatchUp(),
        deadline=found.get("deadline"),
        overlap=found.get("overlap") or Overlap(),
        # Schedules of two projects never stand in each other's way.
        group=f"{project}/{group}" if group else None,
        jitter=int(found.get("jitter") or 0),
        project=project,
        attempts=found.get("attempts") or 3,
        stop=found.get("stop") or Stop(),
        alarms=found.get("alarms") or Alarms(),
        starts=found.get("starts"),
        ends=found.get("ends"),
        version=version(spec),
    )


def version(spec: Mapping[str, Any]) -> str:
    """Return what changes with the instants of *spec*, and with nothing else."""
    dst = spec.get("dst") or _EMPTY
    said = (spec.get("cron"), spec.get("timezone"), dst.get("gap"), dst.get("fold"))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def _cron(value: Any) -> str:
    # Where in the text it is wrong is for `BadExpression` to say.
    return expressions.parse(_text(value), seed=CHECKED_AS).text


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise UserError("a text is wanted")
    if len(value) > 1000:
        raise UserError("the text has more than 1000 characters")
    return value


def _timezone(value: Any) -> str:
    return zones.zone(_text(value)).name


def _seconds(value: Any) -> float:
    """Read `90s` or `1h30m`; a bare number is seconds."""
    text = _text(value)
    seconds = float(text) if text.isascii() and text.isdigit() else durations.seconds(text)
    if not 0 <= seconds <= 10 * 366 * 86400:
        raise UserError("a duration is between 0 and ten years")
    return seconds


def moment(value: Any) -> int:
    """Read a time as RFC 3339 writes it; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(_text(value))
        seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
        if not 0 <= seconds < _END:
            raise ValueError
        return seconds
    except (ValueError, OverflowError):
        hint = "write for example 2026-12-24T18:00:00Z"
        raise UserError(f"{str(value)[:40]!r} is no time", hint=hint) from None


def _whole(value: Any, most: int = MOST) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise UserError(f"a whole number from 1 to {most} is wanted")
    return value


def _attempts(value: Any) -> int:
    return _whole(value, MOST_ATTEMPTS)


def _word(value: Any, words: type[W]) -> W:
    known = [str(each) for each in words]
    if not isinstance(value, str) or value not in known:
        raise UserError(f"{str(value)[:40]!r} is none of {', '.join(known)}")
    return words(value)


def _map(value: Any, *keys: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= set(keys):
        raise UserError(f"a map with {' and '.join(keys)} is wanted")
    return value


def _catch_up(value: Any) -> CatchUp:
    if isinstance(value, Mapping):
        return CatchUp(Catching.ALL, _whole(_map(value, "all").get("all")))
    return CatchUp(_word(value, Catching))


def _overlap(value: Any) -> Overlap:
    if isinstance(value, Mapping):
        return Overlap(Overlapping.QUEUE, _whole(_map(value, "queue").get("queue")))
    return Overlap(_word(value, Overlapping))


def _dst(value: Any) -> Dst:
    found = _map(value, "gap", "fold")
    gap = _word(found.get("gap", Gap.SHIFT), Gap)
    return Dst(gap, _word(found.get("fold", Fold.FIRST), Fold))


def _alarms(value: Any) -> Alarms:
    found = dict(_map(value, *Alarms._fields))
    told = found.pop("missed", True)
    if type(told) is not bool:
        raise UserError("missed is true or false")
    return Alarms(**{key: _seconds(each) for key, each in found.items()}, missed=told)


def _stop(value: Any) -> Stop:
    return Stop(**{key: _whole(each) for key, each in _map(value, *Stop._fields).items()})


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "cron": _cron,
        "timezone": _timezone,
        "branch": _text,
        "catch-up": _catch_up,
        "overlap": _overlap,
        "deadline": _seconds,
        "jitter": _seconds,
        "group": _text,
        "attempts": _attempts,
        "dst": _dst,
        "stop": _stop,
        "alarms": _alarms,
        "starts": moment,
        "ends": moment,
    }
)
# Keys of `alarms`, for those who check them one by one.
_INNER: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"late": _seconds, "running": _seconds, "silent": _seconds}
)
KEYS = tuple(_READERS)
