"""From the text of a schedule to what it means, with every mistake at its character.

Standard: five fields (minute, hour, day of month, month, weekday), six with seconds first, `@daily`
and its like, `@every 1h30m`, `H` for a value made from the schedule's name, `CRON_TZ=Zone` before
it. `robfig1` is the grammar of Cronetes: its five fields are second to month.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from steersman.core.errors import UserError
from steersman.core.schedules import durations, reading, robfig, units, walls
from steersman.core.schedules.complaints import BadExpression, Trouble
from steersman.core.schedules.days import Days
from steersman.core.schedules.reading import Read
from steersman.core.schedules.timetables import (
    ONCE_A_DAY,
    REAL_TIME,
    Dst,
    Every,
    Timetable,
)
from steersman.core.schedules.walls import Calendar
from steersman.core.schedules.zones import zone

MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
LONGEST = 1000
_WORD = re.compile(r"\S+")
_ZONE = re.compile(r"\s*(?:CRON_TZ|TZ)=(\S+)")


class Mode(StrEnum):
    """Whose grammar it is."""

    STANDARD = "standard"
    ROBFIG1 = "robfig1"


class Expression(NamedTuple):
    """A text that was read. *zone* is what it names itself, *spread* whether it has an `H`."""

    text: str
    timing: Calendar | Every
    mode: Mode
    zone: str | None = None
    spread: bool = False


def parse(
    text: str, mode: Mode = Mode.STANDARD, *, seed: str | None = None, anchor: int = 0
) -> Expression:
    """Read *text*; `BadExpression` for one that is wrong or that never matches.

    *seed* is the name that `H` is made from, *anchor* the instant `@every` counts from.
    """
    if len(text) > LONGEST:
        raise BadExpression(text[:80], 0, f"a schedule has at most {LONGEST} characters")
    start, zone_name = _zone(text, mode)
    body = text[start:]
    expression = _read(text, start, mode, seed, anchor) if body.strip() else None
    if expression is None:
        hint = "write five fields such as `30 4 * * 1-5`, or @daily, or @every 1h30m"
        raise BadExpression(text, start, "the schedule is empty", hint=hint)
    return expression._replace(zone=zone_name)


def table(expression: Expression, zone_name: str = "UTC", dst: Dst | None = None) -> Timetable:
    """Return the timetable of *expression*; its own zone goes before *zone_name*."""
    timing = expression.timing
    if dst is None:
        real = isinstance(timing, Calendar) and timing.hourly
        dst = REAL_TIME if real else ONCE_A_DAY
    return Timetable(timing, zone(expression.zone or zone_name), dst)


def _zone(text: str, mode: Mode) -> tuple[int, str | None]:
    """Return where the expression begins, and the zone that stands before it."""
    found = _ZONE.match(text) if mode is Mode.STANDARD else None
    if found is None:
        return 0, None
    try:
        zone(found[1])
    except UserError as error:
        raise BadExpression(text, found.start(1), str(error), hint=error.hint) from None
    return found.end(), found[1]


def _read(text: str, start: int, mode: Mode, seed: str | None, anchor: int) -> Expression:
    words = [(found[0], found.start()) for found in _WORD.finditer(text, start)]
    first, at = words[0]
    if first.startswith("@"):
        return _named(text, words, mode, anchor)
    count = len(words)
    if count not in (5, 6):
        raise BadExpression(text, words[min(6, count - 1)][1], *_wrong_count(count, mode))
    if count == 5 and mode is Mode.STANDARD:
        words = [("0", at), *words]
    elif count == 5:
        words = [*words, ("*", len(text))]
    reads = [
        _field(text, word, unit, mode, seed) for word, unit in zip(words, units.SIX, strict=True)
    ]
    calendar = _calendar(reads)
    if walls.never(calendar):
        raise BadExpression(text, words[3][1], *_never(calendar))
    return Expression(text, calendar, mode, None, any(read.spread for read in reads))


def _field(
    text: str, word: tuple[str, int], unit: units.Unit, mode: Mode, seed: str | None
) -> Read:
    try:
        if mode is Mode.ROBFIG1:
            return robfig.field(word[0], unit)
        return reading.field(word[0], unit, seed)
    except Trouble as trouble:
        column = word[1] + trouble.at
        raise BadExpression(text, column, trouble.message, hint=trouble.hint) from None


def _calendar(reads: list[Read]) -> Calendar:
    second, minute, hour, day, month, weekday = reads
    days = Days(day.mask, day.star, weekday.mask, weekday.star, day.specials, weekday.specials)
    return Calendar(second.mask, minute.mask, hour.mask, month.mask, days)


def _named(text: str, words: list[tuple[str, int]], mode: Mode, anchor: int) -> Expression:
    """Read what begins with `@`."""
    word, at = words[0]
    if word == "@every":
        return Expression(text, _every(text, words, anchor), mode)
    if word == "@reboot":
        hint = "run it from what starts the machine or the pod"
        raise BadExpression(text, at, "@reboot is no time, and cannot be kept", hint=hint)
    fields = MACROS.get(word if mode is Mode.ROBFIG1 else word.lower())
    if fields is None:
        known = ", ".join(MACROS)
        raise BadExpression(text, at, f"{word} is not known", hint=f"known are {known}, @every")
    if len(words) > 1:
        raise BadExpression(text, words[1][1], f"nothing may follow {word}")
    calendar = _calendar(
        [
            reading.field(field, unit, None)
            for field, unit in zip(fields.split(), units.SIX, strict=True)
        ]
    )
    return Expression(text, calendar, mode)


def _every(text: str, words: list[tuple[str, int]], anchor: int) -> Every:
    if len(words) != 2:
        at = words[min(2, len(words) - 1)][1]
        raise BadExpression(text, at, "@every needs one duration", hint="write @every 1h30m")
    word, at = words[1]
    try:
        # Robfig's rule: whole seconds, at least one.
        return Every(max(1, int(durations.seconds(word))), anchor)
    except UserError as error:
        raise BadExpression(text, at, str(error), hint=error.hint) from None


def _wrong_count(count: int, mode: Mode) -> tuple[str]:
    has = "5 (minute hour day month weekday) or 6 (with seconds first)"
    if mode is Mode.ROBFIG1:
        has = "6 (second minute hour day month weekday) or 5 (without a weekday)"
    what = "is 1 field" if count == 1 else f"are {count} fields"
    return (f"there {what}, and a schedule has {has}",)


def _never(calendar: Calendar) -> tuple[str]:
    if not (calendar.seconds and calendar.minutes and calendar.hours and calendar.months):
        return ("a field is empty, so this never runs",)
    return ("no year has such a day, so this never runs",)
