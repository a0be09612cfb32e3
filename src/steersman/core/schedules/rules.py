"""The rules of a schedule as sentences: what happens when runs meet, are late or are missed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from steersman.core.schedules.durations import words
from steersman.core.schedules.explaining import stamp
from steersman.core.schedules.schedule import Catching, Overlapping, Schedule
from steersman.core.schedules.timetables import Every, Fold, Gap

_OVERLAPS: Mapping[Overlapping, str] = MappingProxyType(
    {
        Overlapping.ALLOW: "Runs may overlap.",
        Overlapping.FORBID: "An instant is skipped while an earlier run goes on.",
        Overlapping.REPLACE: "A new run cancels the one before it.",
        Overlapping.BUFFER_ONE: "While a run goes on one instant waits, the rest is skipped.",
        Overlapping.QUEUE: "While a run goes on up to {most} instants wait for it.",
    }
)
_CATCHING: Mapping[Catching, str] = MappingProxyType(
    {
        Catching.NONE: "What passes while no server runs is missed.",
        Catching.LATEST: "Of what passes while no server runs the newest instant is caught up.",
        Catching.ALL: "Of what passes while no server runs the newest {most} are caught up.",
    }
)
_GAPS = {Gap.SKIP: "left out", Gap.SHIFT: "moved to the next moment there is"}
_FOLDS = {
    Fold.FIRST: "the first counts",
    Fold.SECOND: "the second counts",
    Fold.BOTH: "both count",
}


def rules(schedule: Schedule) -> list[str]:
    """Say what *schedule* does about everything but its times."""
    return [
        *_meeting(schedule),
        *_lateness(schedule),
        *_clocks(schedule),
        *_limits(schedule),
        *_told(schedule),
    ]


def _meeting(schedule: Schedule) -> list[str]:
    overlap = schedule.overlap
    said = [_OVERLAPS[overlap.kind].format(most=overlap.most)]
    if schedule.group:
        group = schedule.group.rpartition("/")[2]
        said.append(f"It keeps out of the way of all schedules of the group {group}.")
    return said


def _lateness(schedule: Schedule) -> list[str]:
    said = [_CATCHING[schedule.catch_up.kind].format(most=schedule.catch_up.most)]
    if schedule.deadline is not None:
        said.append(f"More than {words(schedule.deadline)} late it is missed.")
    if schedule.jitter:
        said.append(f"Each launch is put off by up to {words(schedule.jitter)}, always the same.")
    return said


def _clocks(schedule: Schedule) -> list[str]:
    """Say what changes of clocks do, where the zone has any to come or behind it."""
    table = schedule.tables[0]
    if isinstance(table.timing, Every) or table.zone.name == "UTC":
        return []
    gap, fold = _GAPS[table.dst.gap], _FOLDS[table.dst.fold]
    return [f"When clocks change, a time that does not exist is {gap}; of two equal ones {fold}."]


def _told(schedule: Schedule) -> list[str]:
    """Say in one sentence what is told to those who are notified."""
    alarms = schedule.alarms
    when = ["an instant was missed"] if alarms.missed else []
    if alarms.late is not None:
        when.append(f"a launch is more than {words(alarms.late)} late")
    if alarms.running is not None:
        when.append(f"a run takes more than {words(alarms.running)}")
    if alarms.silent is not None:
        when.append(f"none has succeeded for {words(alarms.silent)}")
    when.append("it pauses by itself")
    *most, last = when
    return [f"An alarm is raised when {', '.join(most)}{' or ' if most else ''}{last}."]


def _limits(schedule: Schedule) -> list[str]:
    said = []
    if schedule.stop.failures:
        said.append(f"It pauses by itself after {schedule.stop.failures} failures in a row.")
    if schedule.stop.successes:
        said.append(f"It pauses by itself after {schedule.stop.successes} successes.")
    if schedule.starts is not None:
        said.append(f"It starts at {stamp(schedule.starts)}.")
    if schedule.ends is not None:
        said.append(f"It ends at {stamp(schedule.ends)}.")
    return said
