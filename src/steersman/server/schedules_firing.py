"""Launches what is due by the schedules of all projects: one server does, the others stand by.

A turn is one transaction, which holds the row of leadership: an instant becomes a row, its trigger
and the row's end together or not at all, so nothing is lost by a server that dies, and nothing is
doubled by one that wakes up late. The trigger's key says the same once more.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, NamedTuple

from steersman.core.errors import SteersmanError, UserError
from steersman.core.reports import CancelRequested
from steersman.core.reports import Reason as Because
from steersman.core.runs import State as RunState
from steersman.core.schedules import (
    endings,
    explaining,
    fires,
    outcomes,
    overlaps,
    pacing,
    planning,
)
from steersman.core.schedules.endings import Made, Seen
from steersman.core.schedules.fires import Fire, Kind, State
from steersman.core.schedules.overlaps import Running, Waiting
from steersman.core.schedules.pacing import Pace, Ready
from steersman.core.schedules.schedule import Schedule
from steersman.server import moving, schedules
from steersman.server.platform import Platform
from steersman.store import projects
from steersman.store import runs as run_rows
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

LEADING = 10.0
"""Seconds until another server leads when the one that does is silent."""
LOOK = LEADING / 4
"""Seconds between two turns in which nothing comes."""
RUNNING_LOOK = 1.0
"""Seconds between two looks at how runs go."""
BATCH = 200
KEPT = 90 * 86400.0
PRUNE = 3600.0
log = logging.getLogger("steersman.server")


class Turn(NamedTuple):
    """What one turn came to: whether we lead, and seconds until the next."""

    leads: bool
    wait: float


class Scheduler:
    """One server's share in launching; all times are those of the store, or given."""

    def __init__(self, platform: Platform, rate: float = pacing.RATE) -> None:
        self._parts = platform
        self.me = platform.clock.new_id()
        self._pace = Pace(rate, rate)
        self._pruned = 0.0

    async def run(self) -> None:
        """Launch whatever comes, for as long as this runs."""
        woken = asyncio.Event()
        stop = self._parts.store.waking.listen(rows.CHANGED, woken.set)
        try:
            while True:
                woken.clear()
                wait = LOOK
                try:
                    # Where nothing is scheduled, nothing is written either.
                    if await self._parts.store.read(rows.anything):
                        wait = (await self.turn()).wait
                except SteersmanError as error:
                    log.warning("scheduling_failed: %s", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await woken.wait()
        finally:
            stop()

    async def turn(self, now: float | None = None) -> Turn:
        """Decide and launch what has come by *now*, if we lead."""
        turn, self._pace = await self._parts.store.rewrite(lambda tx: self._turn(tx, now))
        return turn

    async def resign(self) -> None:
        """Let another server lead at once."""
        await self._parts.store.write(lambda tx: rows.resign(tx, self.me, tx.now))

    def _turn(self, tx: Transaction, given: float | None) -> tuple[Turn, Pace]:
        now = tx.now if given is None else given
        fence = rows.lead(tx, self.me, LEADING, now)
        if fence is None:
            return Turn(leads=False, wait=LOOK), self._pace
        due = rows.due(tx, now, BATCH)
        for row in due:
            _decide(tx, row, now)
        if now - self._pruned > PRUNE:
            self._pruned = now
            rows.prune(tx, now - KEPT)
        table = _Table(self._parts, (self.me, fence), tx, now)
        pace = table.play(self._pace)
        wait = 0.0 if len(due) == BATCH else self._wait(tx, now, pace, table)
        return Turn(leads=True, wait=wait), pace

    def _wait(self, tx: Transaction, now: float, pace: Pace, table: _Table) -> float:
        times = [now + LOOK]
        times += [now + RUNNING_LOOK] if table.goes_on else []
        times += [each for each in (rows.next_wake(tx), rows.next_due(tx)) if each and each > now]
        room = pacing.wait(pace, table.left, now)
        return max(0.0, min([*times, *([] if room is None else [now + room])]) - now)


def _decide(tx: Transaction, row: Row, now: float) -> None:
    """Decide one schedule; one that this version cannot read keeps no other one back."""
    try:
        schedules.decide(tx, row, now)
    except UserError as error:
        log.error("schedule_unreadable: %s: %s", row["name"], error)
        rows.change(tx, row["id"], {"wake": None})


class _Table:
    """One turn's look at what is open, and its moves."""

    def __init__(
        self, parts: Platform, leader: tuple[str, int], tx: Transaction, now: float
    ) -> None:
        self._parts, self._leader, self._tx, self._now = parts, leader, tx, now
        self.goes_on = False
        self.left = 0
        self._lanes: dict[str, list[Running]] = {}
        self._waiting: dict[str, list[Waiting]] = {}
        self._schedules: dict[str, tuple[Row, Schedule]] = {}

    def play(self, pace: Pace) -> Pace:
        """Take in how runs went, then launch what may be; return the pace after it."""
        self._look()
        ready: list[Ready] = []
        stops: list[tuple[Fire, Running]] = []
        for lane, waiting in self._waiting.items():
            verdict = overlaps.admit(waiting, self._lanes.get(lane, ()), self._now)
            for skip in verdict.skip:
                message = self._named(skip.message)
                rows.put(
                    self._tx,
                    fires.ended(skip.fire, State.SKIPPED, skip.reason, message, self._now),
                )
            ready += [
                Ready(fire, project=self._schedules[fire.schedule][1].project)
                for fire in verdict.launch
            ]
            stops += [(fire, each) for fire in verdict.launch[-1:] for each in verdict.stop]
        chosen, pace = pacing.pick(pace, ready, self._now)
        self.left = len(ready) - len(chosen)
        going = {fire.key for fire in chosen}
        for fire, stop in stops:
            # Only what takes its place now ends it.
            if fire.key in going:
                self._stop(stop)
        for fire in chosen:
            self._launch(fire)
        self.goes_on = self.goes_on or bool(chosen)
        return pace

    def _look(self) -> None:
        found = rows.open_fires(self._tx, self._now)
        self._triggers = rows.triggers_of(
            self._tx, [fire.run for fire, _ in found if fire.state is State.FIRED]
        )
        for fire, row in found:
            schedule = schedules.read(row)
            self._schedules[fire.schedule] = (row, schedule)
            if fire.state is State.FIRED:
                self._watch(fire, row, schedule)
            elif (late := planning.too_late(schedule, fire, self._now)) is not None:
                rows.put(self._tx, late)
            else:
                self._waiting.setdefault(schedule.lane, []).append(Waiting(fire, schedule.overlap))

    def _watch(self, fire: Fire, row: Row, schedule: Schedule) -> None:
        trigger, made = self._triggers.get(fire.run, (None, []))
        state, message = (trigger["state"], trigger["message"]) if trigger else (None, "")
        seen = endings.of(state, message, [self._made(each) for each in made], self._now)
        if seen.ending is None:
            self.goes_on = True
            name = f"run {made[0]['number']}" if made else "its run"
            self._lanes.setdefault(schedule.lane, []).append(Running(fire.key, name))
            return
        self._end(fire, row, schedule, seen)

    def _end(self, fire: Fire, row: Row, schedule: Schedule, seen: Seen) -> None:
        assert seen.ending is not None  # noqa: S101 - asked before
        # Of one that is removed, or that may do harm, a lost run is not started again.
        may = schedule if seen.again and row["removed"] is None else None
        ended = outcomes.end(may, fire, seen.ending, self._now)
        rows.put(self._tx, ended)
        if ended.state is State.PLANNED:
            self._waiting.setdefault(schedule.lane, []).append(Waiting(ended, schedule.overlap))
            return
        current = rows.one(self._tx, row["project_id"], row["name"], lock=True)
        if current is not None and current["removed"] is None:
            cursor = outcomes.count(schedule, rows.cursor(current), ended)
            schedules.move(self._tx, schedule, cursor)

    def _made(self, row: Row) -> Made:
        state = RunState(row["state"])
        stored = run_rows.load(self._tx, row["id"]) if state is RunState.ERRORED else None
        return Made(state, row["ended"], row["message"], stored.run if stored else None)

    def _stop(self, running: Running) -> None:
        """End the runs of a launch, or the trigger that would make them."""
        fire = next(
            each
            for each in rows.holding(self._tx, running.key.schedule, running.key.instant)
            if each.key == running.key
        )
        why = "a newer instant of its schedule takes its place"
        trigger, made = self._triggers[fire.run]
        if trigger["state"] == "accepted" and projects.is_open(self._tx, fire.run):
            projects.end(self._tx, fire.run, "planned", why)
        for each in made:
            request = CancelRequested(Because.SUPERSEDED, why)
            moving.cancel(self._tx, each["id"], request, self._parts.queue.rules)

    def _launch(self, fire: Fire) -> None:
        row, schedule = self._schedules[fire.schedule]
        author = fire.by or f"schedule {row['name']}"
        trigger, _ = projects.accept(
            self._tx, self._parts.clock.new_id(), row["project_id"], key_of(fire),
            request_of(fire, row), author,
        )  # fmt: skip
        claimed = fires.claimed(fire, *self._leader, self._now, trigger)
        rows.put(self._tx, fires.fired(claimed, "", self._now))
        current = rows.one(self._tx, row["project_id"], row["name"], lock=True)
        if current is not None and current["removed"] is None:
            cursor = rows.cursor(current)
            last = max(cursor.last_fired or 0, fire.instant)
            schedules.move(self._tx, schedule, cursor._replace(last_fired=last))

    def _named(self, message: str) -> str:
        """Say the names of schedules, which decisions know by their ids."""
        for identity, (row, _) in self._schedules.items():
            message = message.replace(identity, row["name"])
        return message


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
