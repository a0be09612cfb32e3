"""Time zones as stretches of one offset each, which is all that schedules need of them."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from steersman.core.errors import UserError

_CHUNK = 1 << 24
# No two changes of any zone are closer than this to each other, so none is stepped over.
_STEP = 1 << 17
_ENDLESS = 1 << 50


class Stretch(NamedTuple):
    """Instants from *start* up to *end*, all *offset* seconds ahead of UTC.

    *before* and *after* are the offsets of its neighbours; equal ones are no change.
    """

    start: int
    end: int
    offset: int
    before: int
    after: int


class Zone:
    """A zone by its IANA name."""

    def __init__(self, name: str, rules: zoneinfo.ZoneInfo | None) -> None:
        self.name = name
        self._rules = rules
        self._chunks: dict[int, tuple[Stretch, ...]] = {}

    def stretch(self, instant: int) -> Stretch:
        """Return the stretch that *instant* is in."""
        if self._rules is None:
            return _UTC
        number = instant // _CHUNK
        found = self._chunks.get(number)
        if found is None:
            if len(self._chunks) > 512:
                self._chunks.clear()
            found = self._chunks[number] = self._chunk(number * _CHUNK)
        for each in found:
            if instant < each.end:
                return each
        raise AssertionError("stretches cover their chunk")

    def offset(self, instant: int) -> int:
        """Return how many seconds the zone is ahead of UTC."""
        offset = None
        if self._rules is not None:
            offset = datetime.fromtimestamp(instant, self._rules).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def _chunk(self, first: int) -> tuple[Stretch, ...]:
        """Return the stretches from *first* on, whose ends beyond the chunk are true ones too.

        What a change moves lies up to a day from it: a border in between would hide the change.
        """
        start, end = first - _STEP, first + _CHUNK + _STEP
        changes = self._changes(start, end)
        bounds = [start, *(at for at, _ in changes), end]
        offsets = [self.offset(start), *(offset for _, offset in changes)]
        around = [self.offset(start - 1), *offsets, self.offset(end)]
        stretches = (
            Stretch(bounds[n], bounds[n + 1], around[n + 1], around[n], around[n + 2])
            for n in range(len(offsets))
        )
        return tuple(each for each in stretches if each.end > first)

    def _changes(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return when the offset changes after *start* and before *end*, and to what."""
        found = []
        offset = self.offset(start)
        for at in range(start + _STEP, end + 1, _STEP):
            new = self.offset(min(at, end - 1))
            if new != offset:
                low, high = at - _STEP, min(at, end - 1)
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if self.offset(middle) == offset else (low, middle)
                found.append((high, new))
                offset = new
        return found


_UTC = Stretch(-_ENDLESS, _ENDLESS, 0, 0, 0)
UTC = Zone("UTC", None)
_NAMES_OF_UTC = frozenset({"", "UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT"})


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """Return the zone called *name*; `UserError` when there is none."""
    if name in _NAMES_OF_UTC:
        return UTC
    try:
        return Zone(name, zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"there is no time zone {name!r}", hint=_near(name)) from None


def _near(name: str) -> str:
    from difflib import get_close_matches

    known = zoneinfo.available_timezones()
    if not known:
        return "this machine knows no time zones: install its package tzdata"
    lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), lower, 1)
    return f"did you mean {lower[near[0]]}?" if near else "write for example Europe/Berlin"
