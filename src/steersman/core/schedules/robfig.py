"""The fields of robfig/cron as Cronetes had it (2016-05-30), to the letter, but for a step of 0.

There `?` is a star everywhere, what follows a star up to the step is not looked at, and names have
three letters. A step of 0 made its parser hang; here it is refused.
"""

from __future__ import annotations

from steersman.core.schedules.complaints import Trouble
from steersman.core.schedules.reading import Read
from steersman.core.schedules.units import Unit, span


def field(text: str, unit: Unit) -> Read:
    """Read *text*; `Trouble` says at which of its characters it is wrong."""
    mask, star, at = 0, False, 0
    for item in text.split(","):
        if item:
            found, stars = _range(item, at, unit)
            mask |= found
            star = star or stars
        at += len(item) + 1
    return Read(mask, star)


def _range(item: str, at: int, unit: Unit) -> tuple[int, bool]:
    pieces = item.split("/")
    if len(pieces) > 2:
        raise Trouble(at, f"{item!r} has more than one step", "write for example */15")
    bounds = pieces[0].split("-")
    star = bounds[0] in ("*", "?")
    if star:
        low, high = unit.low, unit.high
    else:
        if len(bounds) > 2:
            raise Trouble(at, f"{item!r} has more than one range", "write for example 1-5")
        low = _value(bounds[0], at, unit)
        high = _value(bounds[1], at + len(bounds[0]) + 1, unit) if len(bounds) == 2 else low
    step = 1
    if len(pieces) == 2:
        step = _step(pieces[1], at + len(pieces[0]) + 1, unit)
        high = high if len(bounds) == 2 and not star else unit.high
    if low > high:
        raise Trouble(at, f"the range {item} of the {unit.name} runs backwards")
    return span(low, high, step), star


def _value(text: str, at: int, unit: Unit) -> int:
    named = {name: value for name, value in unit.names.items() if len(name) == 3}
    value = named.get(text.lower())
    if value is None:
        value = _number(text, at, unit)
    if not unit.low <= value <= unit.high:
        hint = f"it is between {unit.low} and {unit.high}"
        if unit.high == 6 and value == 7:
            hint = "Sunday is 0 here"
        raise Trouble(at, f"{text} is no {unit.name}", hint)
    return value


def _number(text: str, at: int, unit: Unit) -> int:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        what = f"{text!r} is no {unit.name}" if text else f"a value of the {unit.name} is missing"
        raise Trouble(at, what, f"write a number from {unit.low} to {unit.high}")
    return int(digits[:9])


def _step(text: str, at: int, unit: Unit) -> int:
    step = _number(text, at, unit)
    if step == 0:
        raise Trouble(at, f"the step of the {unit.name} is 0", "a step is at least 1")
    return step
