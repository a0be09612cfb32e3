"""One turn's look at what is due and what has ended, and its moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.core.reports import CancelRequested
from steersman.core.reports import Reason as Because
from steersman.core.runs import State as RunState
from steersman.core.schedules import (
    alarms,
    endings,
    explaining,
    fires,
    outcomes,
    overlaps,
    planning,
)
from steersman.core.schedules.endings import Made
from steersman.core.schedules.fires import Fire, Kind, State
from steersman.core.schedules.outcomes import Ending
from steersman.core.schedules.overlaps import Running, Waiting
from steersman.core.schedules.pacing import Ready
from steersman.core.schedules.schedule import Schedule
from steersman.server import moving, schedules
from steersman.server.platform import Platform
from steersman.server.schedules_book import OF_INSTANTS, Book, Entry
from steersman.store import projects, schedule_alarms
from steersman.store import runs as run_rows
from steersman.store import schedule_launches as launches
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

Known = Mapping[str, tuple[Row, Schedule]]


class Agenda(NamedTuple):
    """What may be launched as soon as there is room, as it was *at* a look.

    *stops* are runs that are ended for a launch, *goes_on* tells whether any run does.
    """

    at: float
    ready: Sequence[Ready] = ()
    stops: Sequence[tuple[Fire, Running]] = ()
    known: Known = MappingProxyType({})
    goes_on: bool = False

    def without(self, gone: Iterable[Fire]) -> Agenda:
        """Return what is left."""
        keys = {fire.key for fire in gone}
        left = [each for each in self.ready if each.fire.key not in keys]
        return self._replace(ready=left, goes_on=self.goes_on or bool(keys))


class Table:
    """What a leader does in one turn, which is one transaction."""

    def __init__(
        self, parts: Platform, leader: tuple[str, int], tx: Transaction, now: float
    ) -> None:
        self.book = Book(tx, now)
        self._parts, self._leader, self._tx, self._now = parts, leader, tx, now
        self._known: dict[str, tuple[Row, Schedule]] = {}

    def look(self) -> Agenda:
        """Skip what nothing will come of, and say what may start."""
        lanes: dict[str, list[Waiting]] = {}
        ready: list[Ready] = []
        stops: list[tuple[Fire, Running]] = []
        for fire in self._due():
            schedule = self._known[fire.schedule][1]
            if schedule.is_alone:
                ready.append(Ready(fire, project=schedule.project))
            else:
                lanes.setdefault(schedule.lane, []).append(Waiting(fire, schedule.overlap))
        held = self._running(lanes) if lanes else {}
        for lane, each in lanes.items():
            verdict = overlaps.admit(each, held.get(lane, ()), self._now)
            self._skip(verdict.skip)
            ready += [
                Ready(fire, project=self._known[fire.schedule][1].project)
                for fire in verdict.launch
            ]
            stops += [(fire, run) for fire in verdict.launch[-1:] for run in verdict.stop]
        return Agenda(self._now, ready, stops, self._known, ledgers.anything_runs(self._tx))

    def _due(self) -> list[Fire]:
        """Return what is to be launched, after noting what is too late for that."""
        found = [self._take(each) for each in self.book.planned if each.fire.due <= self._now]
        for fire, row in launches.waiting(self._tx, self._now):
            schedule = self._know(row)
            late = planning.too_late(schedule, fire, self._now)
            if late is None:
                found.append(fire)
            else:
                self.book.give_up(row, schedule, late)
        return found

    def _take(self, new: Entry) -> Fire:
        self._known[new.row["id"]] = (new.row, new.schedule)
        return new.fire

    def _know(self, row: Row) -> Schedule:
        schedule = schedules.read(row)
        self._known[row["id"]] = (row, schedule)
        return schedule

    def _skip(self, found: Iterable[overlaps.Skip]) -> None:
        for skip in found:
            row, schedule = self._known[skip.fire.schedule]
            message = self._named(skip.message)
            skipped = fires.ended(skip.fire, State.SKIPPED, skip.reason, message, self._now)
            self.book.give_up(row, schedule, skipped)

    def _named(self, message: str) -> str:
        """Say the names of schedules, which decisions know by their ids."""
        known = self._known
        words = message.split(" ")
        return " ".join(known[word][0]["name"] if word in known else word for word in words)

    # -- runs ------------------------------------------------------------------------------------

    def _running(self, lanes: Mapping[str, Sequence[Waiting]]) -> dict[str, list[Running]]:
        """Return the runs that go on in these lanes."""
        mine = [self._known[each[0].fire.schedule] for each in lanes.values()]
        alone = [row["id"] for row, schedule in mine if schedule.group is None]
        owners = [row["project_id"] for row, schedule in mine if schedule.group is not None]
        found = [
            (fire, schedule.lane)
            for fire, row in launches.running(self._tx, alone, owners)
            if (schedule := schedules.read(row)).lane in lanes
        ]
        made = launches.triggers_of(self._tx, [fire.run for fire, _ in found])
        held: dict[str, list[Running]] = {}
        for fire, lane in found:
            runs = made.get(fire.run, ({}, []))[1]
            name = f"run {runs[0]['number']}" if runs else "its run"
            held.setdefault(lane, []).append(Running(fire.key, name))
        return held

    def end_all(self) -> None:
        """Note how runs ended; what was lost waits once more."""
        found = launches.ended(self._tx)
        if found:
            # What counts for a schedule counts after what was decided.
            self.book.write()
        made = launches.triggers_of(self._tx, [fire.run for fire, _ in found])
        over: list[Fire] = []
        for fire, row in found:
            trigger, runs = made.get(fire.run, (None, []))
            state, message = (trigger["state"], trigger["message"]) if trigger else (None, "")
            seen = endings.of(state, message, [self._made(each) for each in runs], self._now)
            if seen.ending is not None:
                over.append(self._end(fire, row, seen.ending, again=seen.again))
        self._count([fire for fire in over if fire.state is State.FIRED])

    def _end(self, fire: Fire, row: Row, ending: Ending, *, again: bool) -> Fire:
        # Of one that is removed, or that may do harm, a lost run is not started again.
        may = schedules.read(row) if again and row["removed"] is None else None
        new = outcomes.end(may, fire, ending, self._now)
        self.book.end(row, new, ending.outcome)
        return new

    def _count(self, over: Sequence[Fire]) -> None:
        """Let what ended count for its schedule, in the order in which it did."""
        current = rows.locked(self._tx, [fire.schedule for fire in over]) if over else {}
        for fire in sorted(over, key=lambda each: each.ended or 0.0):
            row = current.get(fire.schedule)
            if row is None:
                continue
            schedule = schedules.read(row)
            cursor = outcomes.count(schedule, rows.cursor(row), fire)
            self.book.move(row, schedule, cursor)
            current[fire.schedule] = rows.moved(row, cursor)

    def _made(self, row: Row) -> Made:
        state = RunState(row["state"])
        stored = run_rows.load(self._tx, row["id"]) if state is RunState.ERRORED else None
        return Made(state, row["ended"], row["message"], stored.run if stored else None)

    # -- launches --------------------------------------------------------------------------------

    def launch(self, chosen: Sequence[Fire], agenda: Agenda) -> None:
        """Launch *chosen*, as far as nobody has removed it since the look."""
        if agenda.at != self._now:
            there = ledgers.still_planned(self._tx, chosen)
            chosen = [fire for fire in chosen if fire.key in there]
        going = {fire.key for fire in chosen}
        for fire, stop in agenda.stops:
            # Only what takes its place now ends it.
            if fire.key in going:
                self._stop(stop)
        new_id = self._parts.clock.new_id
        asked = [asked_for(fire, agenda.known[fire.schedule][0], new_id()) for fire in chosen]
        for fire, trigger in zip(chosen, projects.accept_all(self._tx, asked), strict=True):
            row, schedule = agenda.known[fire.schedule]
            claimed = fires.claimed(fire, *self._leader, self._now, trigger)
            self.book.launch(row, schedule, fires.fired(claimed, "", self._now))

    def _stop(self, running: Running) -> None:
        """End the runs of a launch, or the trigger that would make them."""
        key = running.key
        found = [each for each in ledgers.holding(self._tx, *key[:2]) if each.key == key]
        why = "a newer instant of its schedule takes its place"
        for trigger, made in launches.triggers_of(self._tx, [each.run for each in found]).values():
            if trigger["state"] == "accepted" and projects.is_open(self._tx, trigger["id"]):
                projects.end(self._tx, trigger["id"], "planned", why)
            for each in made:
                request = CancelRequested(Because.SUPERSEDED, why)
                moving.cancel(self._tx, each["id"], request, self._parts.queue.rules)

    # -- alarms ----------------------------------------------------------------------------------

    def watch(self) -> None:
        """Raise alarms that only the passing of time brings, and end those it has overtaken."""
        self.book.write()
        for row in schedule_alarms.silent(self._tx, self._now):
            self.book.ring(row, alarms.silent(schedules.read(row), rows.cursor(row), self._now))
        for fire, row in launches.watched(self._tx, self._now):
            found = alarms.of_row(schedules.read(row), fire, self._now)
            if found is not None and found.what in OF_INSTANTS:
                self.book.ring(row, found)


def asked_for(fire: Fire, row: Row, new_id: str) -> projects.Asked:
    """Return the trigger of a launch, under *new_id* if it is not known yet."""
    author = fire.by or f"schedule {row['name']}"
    return projects.Asked(new_id, row["project_id"], key_of(fire), request_of(fire, row), author)


def key_of(fire: Fire) -> str:
    """Return what makes the trigger of a launch once."""
    kind = "" if fire.kind is Kind.SCHEDULED else f"/{fire.kind}"
    again = "" if fire.attempt == 1 else f"/{fire.attempt}"
    return f"schedule/{fire.schedule}/{fire.instant}{kind}{again}"


def request_of(fire: Fire, row: Row) -> dict[str, Any]:
    """Return what a launch asks for."""
    return {
        "kind": "schedule",
        "branch": row["spec"].get("branch") or row["default_branch"] or "",
        "target": row["target"],
        "schedule": row["name"],
        "instant": explaining.stamp(fire.instant),
    }
