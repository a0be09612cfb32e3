"""Durations as Go writes them (`1h30m`), which `@every` and Cronetes' flags take."""

from __future__ import annotations

import re

from steersman.core.errors import UserError

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0,
          "h": 3600.0, "d": 86400.0}  # fmt: skip
_PIECE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d)")
_LONGEST = 100 * 366 * 86400.0


def seconds(text: str) -> float:
    """Return the seconds that *text* means; `d` is ours, all else is Go's."""
    sign, body = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if body == "0":
        return 0.0
    total, at = 0.0, 0
    while at < len(body):
        found = _PIECE.match(body, at)
        if found is None:
            break
        total += float(found[1]) * _UNITS[found[2]]
        at = found.end()
    if not body or at < len(body):
        raise UserError(f"{text!r} is no duration", hint="write for example 90s, 15m or 1h30m")
    if total > _LONGEST:
        raise UserError(f"the duration {text!r} is longer than a hundred years")
    return sign * total


def words(amount: float) -> str:
    """Say a duration: `90s`, `15m`, `1h30m`, `2d`."""
    whole = round(amount)
    if abs(amount - whole) > 1e-6:
        return f"{amount:.3g}s"
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
