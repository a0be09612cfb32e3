"""So many launches a second and no more, fair between projects, by priority inside of one."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from steersman.core.schedules.fires import Fire

RATE = 50.0
_NONE: Mapping[str, float] = MappingProxyType({})


class Ready(NamedTuple):
    """An instant that may be launched as soon as there is room."""

    fire: Fire
    priority: int = 0
    project: str = ""


class Pace(NamedTuple):
    """A bucket of *level* launches, filled at *rate* up to a second's worth, and who had how many.

    A *rate* of 0 is no limit; below 1 the bucket still holds one whole launch.
    """

    rate: float = RATE
    level: float = RATE
    at: float = 0.0
    served: Mapping[str, float] = _NONE


def pick(pace: Pace, ready: Iterable[Ready], now: float) -> tuple[list[Fire], Pace]:
    """Return what is launched now, in order, and the pace after it."""
    queues = _queues(ready)
    if pace.rate <= 0:
        room = sum(map(len, queues.values()))
        level = 0.0
    else:
        level = _level(pace, now)
        room = int(level)
    chosen, served = _in_turn(queues, pace.served, room)
    return chosen, pace._replace(level=level - len(chosen), at=now, served=served)


def at_once(pace: Pace, many: int, now: float) -> Pace | None:
    """Return the pace after *many* launches at which nobody else waits; None without the room."""
    level = _level(pace, now)
    if pace.rate > 0 and level < many:
        return None
    return pace._replace(level=level - many, at=now, served=_NONE)


def _level(pace: Pace, now: float) -> float:
    """Return how many may be launched now: no clock that leaps, or goes back, changes that much."""
    return min(max(1.0, pace.rate), pace.level + max(0.0, now - pace.at) * pace.rate)


def _in_turn(
    queues: dict[str, list[Ready]], before: Mapping[str, float], room: int
) -> tuple[list[Fire], Mapping[str, float]]:
    """Take *room* of the queues, each time of the one served least; return how they were served."""
    if len(queues) == 1:
        # The usual case, and it may be of many thousands.
        ((name, queue),) = queues.items()
        alone = [each.fire for each in queue[: -room - 1 : -1]]
        return alone, {name: before.get(name, 0.0) + room} if room < len(queue) else {}
    chosen: list[Fire] = []
    least = min((before.get(name, 0.0) for name in queues), default=0.0)
    turns = [(max(least, before.get(name, least)), name) for name in queues]
    heapq.heapify(turns)
    while turns and len(chosen) < room:
        served, name = heapq.heappop(turns)
        chosen.append(queues[name].pop().fire)
        if queues[name]:
            heapq.heappush(turns, (served + 1, name))
    return chosen, {name: served for served, name in turns}


def wait(pace: Pace, waiting: int, now: float) -> float | None:
    """Return the seconds until there is room for some more; None when nobody waits for it.

    Many who wait are looked at together, five times a second.
    """
    if not waiting or pace.rate <= 0:
        return None
    wanted = max(1.0, min(float(waiting), pace.rate / 5))
    return max(0.0, (wanted - pace.level) / pace.rate - max(0.0, now - pace.at))


def last_launch(rate: float, waiting: int) -> float:
    """Return after how many seconds the last of *waiting* is launched."""
    return 0.0 if rate <= 0 else max(0.0, (waiting - rate) / rate)


def _queues(ready: Iterable[Ready]) -> dict[str, list[Ready]]:
    """Return each project's instants, the next one last."""
    found: dict[str, list[Ready]] = {}
    for each in ready:
        found.setdefault(each.project, []).append(each)
    for queue in found.values():
        queue.sort(key=lambda each: (each.priority, -each.fire.due, -each.fire.instant))
    return found
