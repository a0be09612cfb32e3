"""A schedule in words: when it runs, as people say it, and the rules it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steersman.core.schedules import units
from steersman.core.schedules.days import Days, Rule, Special
from steersman.core.schedules.durations import words as duration
from steersman.core.schedules.timetables import Every, Timetable
from steersman.core.schedules.walls import Calendar

MOST_TIMES = 6
"""Up to so many times of a day are named each; more are said by their hours and minutes."""
_MONTHS = ("", "January", "February", "March", "April", "May", "June", "July", "August",
           "September", "October", "November", "December")  # fmt: skip
_WEEK = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NTH = ("", "first", "second", "third", "fourth", "fifth")


def words(table: Timetable) -> str:
    """Say when *table* has instants: `every day at 03:00`, `every 5 minutes`."""
    timing = table.timing
    if isinstance(timing, Every):
        return f"every {duration(timing.seconds)}"
    time, days = _time(timing), _days(timing.days)
    if days.startswith(tuple(_WEEK[1:])):
        time += ","
    if time[3:4].isdigit() and not days:
        time = f"every day {time}"
    return " ".join(part for part in (time, days, _months(timing)) if part)


def _time(calendar: Calendar) -> str:
    seconds = units.values(calendar.seconds)
    minutes, hours = units.values(calendar.minutes), units.values(calendar.hours)
    if len(seconds) * len(minutes) * len(hours) <= MOST_TIMES:
        return f"at {_listed(_clocks(hours, minutes, seconds))}"
    if len(seconds) > 1:
        inner = _stepped(seconds, 60, "second") or f"at seconds {_listed(_ranges(seconds, str))}"
        minute = _stepped(minutes, 60, "minute") or f"minutes {_listed(_ranges(minutes, str))}"
        during = [] if len(minutes) == 60 else [f"of {minute.replace('every', 'each')}"]
        return " ".join([inner, *during, *_within(hours, 0, 59)])
    at = f", at second {seconds[0]}" if seconds[0] else ""
    if len(minutes) == 1:
        return _hourly(hours, minutes[0]) + at
    repeated = _stepped(minutes, 60, "minute")
    of = " of every hour" if len(hours) == 24 else ""
    said = repeated or f"at minutes {_listed(_ranges(minutes, str))}{of}"
    return " ".join([said, *_within(hours, minutes[0], minutes[-1])]) + at


def _clocks(hours: Sequence[int], minutes: Sequence[int], seconds: Sequence[int]) -> list[str]:
    spelled = [f":{second:02}" if any(seconds) else "" for second in seconds]
    return [f"{h:02}:{m:02}{s}" for h in hours for m in minutes for s in spelled]


def _hourly(hours: list[int], minute: int) -> str:
    """Say at which hours something happens once an hour."""
    at = f" at minute {minute}" if minute else ""
    repeated = _stepped(hours, 24, "hour")
    if repeated:
        first = f", from {hours[0]:02}:{minute:02} on" if hours[0] else at
        return repeated + first
    if _unbroken(hours):
        return f"every hour from {hours[0]:02}:{minute:02} to {hours[-1]:02}:{minute:02}"
    return f"at {_listed([f'{hour:02}:{minute:02}' for hour in hours])}"


def _within(hours: list[int], first: int, last: int) -> list[str]:
    """Say between which times of the day, where that is not all day."""
    if len(hours) == 24:
        return []
    if _unbroken(hours):
        return [f"from {hours[0]:02}:{first:02} to {hours[-1]:02}:{last:02}"]
    return [f"in the hours {_listed(_ranges(hours, str))}"]


def _stepped(values: Sequence[int], size: int, unit: str) -> str:
    """Say `every 5 minutes` where *values* go evenly through all of *size*; else nothing."""
    if len(values) == size:
        return f"every {unit}"
    step = values[1] - values[0] if len(values) > 1 else 0
    even = step and size % step == 0 and list(values) == list(range(values[0], size, step))
    if not even or values[0] >= step:
        return ""
    offset = f" from {unit} {values[0]} on" if values[0] and unit != "hour" else ""
    return f"every {step} {unit}s{offset}"


def _days(days: Days) -> str:
    """Say which days; nothing for every day."""
    month, week = _of_month(days), _of_week(days)
    # Two fields of which one begins with a star must both fit; otherwise either is enough.
    both = days.month_star or days.week_star
    if month and week:
        return f"{month} if that is {week.removeprefix('on ')}" if both else f"{month} or {week}"
    return month or week if both else ""


def _of_month(days: Days) -> str:
    values = units.values(days.of_month)
    if days.of_month == units.DAY.all:
        return ""
    step = values[1] - values[0] if len(values) > 2 else 0
    if step > 1 and values == list(range(values[0], 32, step)):
        return f"on every {_ordinal(step)} day of the month from the {_ordinal(values[0])} on"
    special = [_special(each) for each in days.month_specials]
    named = _ranges(values, lambda day: f"the {_ordinal(day)}")
    return _when("on", named) if not special else f"on {_listed(named + special)}"


def _of_week(days: Days) -> str:
    if days.of_week == units.WEEKDAY.all:
        return ""
    values = sorted(day or 7 for day in units.values(days.of_week))
    named = _ranges(values, lambda day: _WEEK[day])
    named += [_special(each) for each in days.week_specials]
    if not named:
        return ""
    return named[0] if len(named) == 1 and " to " in named[0] else f"on {_listed(named)}"


def _special(special: Special) -> str:
    rule, a, b = special
    if rule is Rule.LAST:
        return f"the day {a} days before the month's last" if a else "the last day of the month"
    if rule is Rule.LAST_WORKING:
        return "the last working day of the month"
    if rule is Rule.NEAREST_WORKING:
        return f"the working day nearest to the {_ordinal(a)}"
    which = _NTH[b] if rule is Rule.NTH else "last"
    return f"the {which} {_WEEK[a or 7]} of the month"


def _months(calendar: Calendar) -> str:
    if calendar.months == units.MONTH.all:
        return ""
    named = _ranges(units.values(calendar.months), lambda month: _MONTHS[month])
    dated = calendar.days.of_month not in (0, units.DAY.all) and calendar.days.week_star
    return f"of {_listed(named)}" if dated and len(named) == 1 else _when("in", named)


def _when(word: str, named: list[str]) -> str:
    """Put *word* before what is named; one range of it is said as `from` this `to` that."""
    if not named:
        return ""
    return f"{'from' if len(named) == 1 and ' to ' in named[0] else word} {_listed(named)}"


def _ordinal(number: int) -> str:
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number // 10 == 1 else last}"


def _unbroken(values: Sequence[int]) -> bool:
    return values[-1] - values[0] == len(values) - 1


def _ranges(values: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """Name *values*; three and more that follow each other as `first to last`."""
    found: list[list[int]] = []
    for value in values:
        if found and value == found[-1][-1] + 1:
            found[-1].append(value)
        else:
            found.append([value])
    named = []
    for run in found:
        if len(run) > 2:
            named.append(f"{name(run[0])} to {name(run[-1])}")
        else:
            named += map(name, run)
    return named


def _listed(items: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)
