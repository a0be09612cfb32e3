"""What a pipeline asks for by `resources:`, in numbers and as Kubernetes spells them.

`M` is a million, `Mi` is 1024 times 1024, as in Kubernetes; a `B` behind either is decoration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LEAST_BYTES = 6 * 1024 * 1024
"""Container engines start nothing in less memory."""
MOST_BYTES = 2**50
MOST_CPU = 1024 * 1000
_LONGEST = 20
_FACTORS = {
    "": 1,
    **{letter: 1000 ** (power + 1) for power, letter in enumerate("kMGT")},
    **{f"{letter}i": 1024 ** (power + 1) for power, letter in enumerate("KMGT")},
    "K": 1000,
    "ki": 1024,
}


class Resources(NamedTuple):
    """What a box may use: *cpu* in thousandths of a processor, the others in bytes."""

    cpu: int | None = None
    memory: int | None = None
    disk: int | None = None


NONE = Resources()


def of(reserved: Mapping[str, object]) -> Resources:
    """Read what was checked already: the reserved keys of a pipeline."""
    said = reserved.get("resources")
    if not isinstance(said, dict):
        return NONE
    cpu, memory, disk = (said.get(name) for name in Resources._fields)
    return Resources(
        thousandths(str(cpu)) if cpu is not None else None,
        in_bytes(str(memory)) if memory is not None else None,
        in_bytes(str(disk)) if disk is not None else None,
    )


def thousandths(text: str) -> int | None:
    """Return `2`, `0.5` or `500m` in thousandths; None for what nobody has or could use."""
    if len(text) > _LONGEST:
        return None
    found = int(text[:-1]) if text.endswith("m") else _scaled(text, 1000)
    return found if 1 <= found <= MOST_CPU else None


def in_bytes(text: str) -> int | None:
    """Return `512Mi` or `2G` in bytes; None for what nobody has or could use."""
    if len(text) > _LONGEST:
        return None
    number = text.rstrip("kKMGTiBb")
    found = _scaled(number, _FACTORS[text[len(number) :].rstrip("Bb")])
    return found if LEAST_BYTES <= found <= MOST_BYTES else None


def _scaled(number: str, factor: int) -> int:
    """Multiply a decimal number without losing what floats would."""
    whole, _, part = number.partition(".")
    return int(whole) * factor + (int(part) * factor // 10 ** len(part) if part else 0)


def bounded(asked: int | None, most: int | None) -> int | None:
    """Return what is asked for, no more than *most*; *most* where nothing is."""
    return min((each for each in (asked, most) if each is not None), default=None)


def quantities(asked: Resources) -> dict[str, str]:
    """Spell out what is asked for as Kubernetes does."""
    found = {}
    if asked.cpu is not None:
        found["cpu"] = f"{asked.cpu}m"
    for name, value in (("memory", asked.memory), ("disk", asked.disk)):
        if value is not None:
            found[name] = f"{value // 1024**2}Mi" if value % 1024**2 == 0 else str(value)
    return found
