"""Reading one field of an expression, as everybody means them.

The grammar of robfig/cron's first version, for files of Cronetes, is in `robfig.py`.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from steersman.core.schedules.complaints import Trouble
from steersman.core.schedules.days import Rule, Special
from steersman.core.schedules.units import DAY, WEEKDAY, Unit, span

_DIGITS = frozenset("0123456789")
# A day that every month has, so that spreading never makes a schedule rare.
_LAST_COMMON_DAY = 28


class Read(NamedTuple):
    """A field: the mask of its values, whether it began with a star, days by rule."""

    mask: int
    star: bool
    specials: tuple[Special, ...] = ()
    spread: bool = False


def field(text: str, unit: Unit, seed: str | None) -> Read:
    """Read *text*; `Trouble` says at which of its characters it is wrong.

    *seed* is what `H` is made from; None where it may not be used.
    """
    mask, specials, at, spread = 0, [], 0, False
    for item in text.split(","):
        if not item:
            raise Trouble(at, f"a value is missing in the {unit.name}", "remove the comma")
        special = _special(item, at, unit)
        if special is not None:
            specials.append(special)
        else:
            mask |= _item(item, at, unit, seed)
            spread = spread or item[0] == "H"
        at += len(item) + 1
    return Read(mask, text[0] in "*?", tuple(specials), spread)


def _item(item: str, at: int, unit: Unit, seed: str | None) -> int:
    body, slash, step_text = item.partition("/")
    step = _step(step_text, at + len(body) + 1, unit) if slash else 1
    if body.startswith("H"):
        return _spread(body, at, unit, seed, step if slash else 0)
    if body in ("*", "?"):
        return _folded(span(unit.low, unit.high, step), unit)
    low_text, dash, high_text = body.partition("-")
    low = _value(low_text, at, unit)
    if dash:
        high = _end(high_text, at + len(low_text) + 1, unit)
        if low > high:
            hint = f"write {low_text}-{unit.high},{unit.low}-{high_text} to go past the end"
            raise Trouble(at, f"the range {body} of the {unit.name} runs backwards", hint)
    else:
        high = unit.high if slash else low
    return _folded(span(low, high, step), unit)


def _folded(mask: int, unit: Unit) -> int:
    """Sunday is 0 and 7."""
    return (mask | mask >> 7) & unit.all if unit is WEEKDAY else mask


def _end(text: str, at: int, unit: Unit) -> int:
    """Return the last value of a range; `fri-sun` ends with the week's last day."""
    value = _value(text, at, unit)
    return 7 if unit is WEEKDAY and value == 0 and not text.isdigit() else value


def _step(text: str, at: int, unit: Unit) -> int:
    if not text or not _DIGITS.issuperset(text):
        raise Trouble(at, f"the step of the {unit.name} is no number", "write for example */15")
    step = int(text[:9])
    if step == 0:
        raise Trouble(at, f"the step of the {unit.name} is 0", "a step is at least 1")
    if step > unit.high:
        message = f"the step {text} is longer than there are values of the {unit.name}"
        raise Trouble(at, message, f"it is at most {unit.high}; write one value without a step")
    return step


def _value(text: str, at: int, unit: Unit) -> int:
    if text and _DIGITS.issuperset(text):
        value = int(text[:9])
    else:
        known = unit.names.get(text.lower())
        if known is None:
            raise Trouble(at, _no_value(text, unit), _names(unit))
        value = known
    highest = 7 if unit is WEEKDAY else unit.high
    if not unit.low <= value <= highest:
        raise Trouble(at, f"{text} is no {unit.name}", f"it is between {unit.low} and {highest}")
    return value


def _no_value(text: str, unit: Unit) -> str:
    return f"{text!r} is no {unit.name}" if text else f"a value of the {unit.name} is missing"


def _names(unit: Unit) -> str:
    if not unit.names:
        return f"write a number from {unit.low} to {unit.high}"
    short = [name for name in unit.names if len(name) == 3]
    return f"write a number, or one of {', '.join(dict.fromkeys(short))}"


def _spread(body: str, at: int, unit: Unit, seed: str | None, step: int) -> int:
    """Read `H`: a value that depends on the seed only, so that not all run at once."""
    if seed is None:
        raise Trouble(at, "H stands for a value made from the schedule's name, and there is none")
    low, high = unit.low, min(unit.high, _LAST_COMMON_DAY if unit is DAY else unit.high)
    if body != "H":
        if not (body.startswith("H(") and body.endswith(")")):
            raise Trouble(at, f"{body!r} is no {unit.name}", "write H, H(0-29), H/15 or H(0-29)/10")
        low_text, _, high_text = body[2:-1].partition("-")
        low = _value(low_text, at + 2, unit)
        high = _value(high_text, at + 3 + len(low_text), unit)
        if low > high:
            raise Trouble(at, f"the range of {body} runs backwards")
    chosen = low + _number(f"{seed}\0{unit.name}") % (min(step, high - low + 1) or high - low + 1)
    return _folded(span(chosen, high, step) if step else 1 << chosen, unit)


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")


def _special(item: str, at: int, unit: Unit) -> Special | None:
    """Read a day by rule, None if it is none."""
    if unit is DAY:
        return _special_day(item.upper(), at)
    if unit is WEEKDAY and "#" in item:
        day, _, number = item.partition("#")
        if number not in ("1", "2", "3", "4", "5"):
            hint = "write for example mon#2, the second Monday"
            raise Trouble(at + len(day) + 1, "after # stands which one of the month, 1 to 5", hint)
        return Special(Rule.NTH, _value(day, at, unit) % 7, int(number))
    if unit is WEEKDAY and item[-1] in "lL" and len(item) > 1:
        return Special(Rule.LAST_OF_KIND, _value(item[:-1], at, unit) % 7)
    return None


def _special_day(item: str, at: int) -> Special | None:
    if item == "L":
        return Special(Rule.LAST)
    if item in ("LW", "WL"):
        return Special(Rule.LAST_WORKING)
    if item.startswith("L-"):
        before = _value(item[2:], at + 2, DAY)
        if before > 30:
            raise Trouble(at + 2, "no month has so many days before its last")
        return Special(Rule.LAST, before)
    if item.endswith("W") and len(item) > 1:
        return Special(Rule.NEAREST_WORKING, _value(item[:-1], at, DAY))
    return None
