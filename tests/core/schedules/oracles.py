"""Slow and plain ways to the same answers: a look at every second, without masks or jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import settings

from steersman.core.schedules import expressions, timetables
from steersman.core.schedules.expressions import Mode
from steersman.core.schedules.timetables import Dst

NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "weekday": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


T = TypeVar("T")


def often(few: T, many: T) -> T:
    """Return how much to try: *many* for `make fuzz`, a *few* otherwise."""
    return many if settings.default and settings.default.max_examples >= 3000 else few


def at(text: str, zone: str = "UTC") -> int:
    """Return the instant of a wall's time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def shown(instant: int, zone: str = "UTC") -> str:
    return datetime.fromtimestamp(instant, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def following(
    text: str, since: str, count: int, *, zone: str = "UTC", mode: Mode = Mode.STANDARD,
    dst: Dst | None = None,
) -> list[str]:  # fmt: skip
    """Return the next instants as walls show them."""
    table = expressions.table(expressions.parse(text, mode, seed="x"), zone, dst)
    found: list[str] = []
    instant: int | None = at(since, zone)
    while len(found) < count and instant is not None:
        instant = timetables.after(table, instant)
        if instant is not None:
            found.append(shown(instant, zone))
    return found


def robfig_bits(text: str, place: int) -> tuple[set[int], bool] | None:
    """Read a field of robfig/cron by sets instead of masks; None for one that it refuses."""
    low, high = BOUNDS[place]
    names = {4: NAMES["month"], 5: NAMES["weekday"]}.get(place, [])
    found: set[int] = set()
    star = False
    for item in text.split(","):
        if not item:
            continue
        body, *steps = item.split("/")
        ends = body.split("-")
        try:
            if ends[0] in ("*", "?"):
                star, start, end = True, low, high
            else:
                values = [_number(each, names, 1 if place == 4 else 0) for each in ends]
                if len(values) > 2:
                    return None
                start, end = values[0], values[-1]
            step = 1
            if steps:
                (step_text,) = steps
                step = int(step_text)
                if len(ends) == 1:
                    end = high
        except ValueError:
            return None
        if not low <= start <= end <= high or step < 1:
            return None
        found |= set(range(start, end + 1, step))
    return found, star


def _number(text: str, names: list[str], first: int) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + first
    if not text.isdigit():
        raise ValueError(text)
    return int(text)


def robfig_next(text: str, since: datetime, seconds: int) -> list[datetime] | None:
    """Try every second after *since*; None for a text that robfig/cron refuses."""
    fields = text.split()
    if len(fields) not in (5, 6):
        return None
    read = [robfig_bits(field, place) for place, field in enumerate([*fields, "*"][:6])]
    if any(each is None for each in read):
        return None
    sets = [each for each in read if each is not None]
    found = []
    for offset in range(1, seconds + 1):
        moment = since + timedelta(seconds=offset)
        if _matches(sets, moment):
            found.append(moment)
    return found


def _matches(sets: list[tuple[set[int], bool]], moment: datetime) -> bool:
    second, minute, hour, day, month, weekday = sets
    if moment.second not in second[0] or moment.minute not in minute[0]:
        return False
    if moment.hour not in hour[0] or moment.month not in month[0]:
        return False
    by_day, by_week = moment.day in day[0], moment.isoweekday() % 7 in weekday[0]
    return (by_day and by_week) if day[1] or weekday[1] else (by_day or by_week)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
