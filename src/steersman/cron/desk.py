"""Where a leader decides: what has come, who is admitted, what is claimed. No I/O, and no clock.

Only rows that the ledger has as claimed are launched.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from steersman.core.schedules import fires, outcomes, planning
from steersman.core.schedules.fires import Fire, Key, Outcome, Reason, State
from steersman.core.schedules.outcomes import Ending
from steersman.core.schedules.pacing import Pace
from steersman.core.schedules.planning import Plan
from steersman.core.schedules.schedule import Cursor
from steersman.cron.admission import admit
from steersman.cron.agenda import Agenda
from steersman.cron.claims import Claims
from steersman.cron.entries import Entries
from steersman.cron.foresight import Foresight
from steersman.cron.gate import Gate
from steersman.cron.lanes import SWEEP, lane_of
from steersman.cron.launchers.base import Launcher, Run
from steersman.cron.ledger.base import Loaded
from steersman.cron.rows import Rows

LONGEST_SLEEP = 30.0


class Leadership(NamedTuple):
    """Who we are while we lead."""

    holder: str
    fence: int


class Desk:
    """One term's mind. Methods are given the time and the seen runs."""

    def __init__(self, leadership: Leadership, loaded: Loaded, pace: Pace) -> None:
        self.leadership = leadership
        self.rows = Rows(loaded)
        self.claims = Claims(self.rows)
        self.stops: list[str] = []
        self._agenda = Agenda()
        self._dues: list[tuple[float, Key]] = []
        self._gate = Gate(self.rows, pace)
        self._foresight = Foresight()

    # -- configuration ---------------------------------------------------------------------------

    def configure(self, entries: Entries, now: float, tolerance: float) -> None:
        """Go on with *entries*: what was due until now is decided by what was there before."""
        rows = self.rows
        for name in rows.entries:
            self._plan(name, now, tolerance)
        rows.entries = entries
        for name, entry in entries.items():
            cursor = rows.cursors.get(name)
            if cursor is None:
                rows.move(planning.begin(entry.schedule, now))
            elif cursor.version != entry.schedule.version:
                decided = max(cursor.decided, int(now // 1))
                rows.move(cursor._replace(version=entry.schedule.version, decided=decided))
        for name in rows.cursors.keys() - entries.keys():
            rows.forget(name)
        self._rebuild(now)

    def _rebuild(self, now: float) -> None:
        """Make the orders of wakes and dues anew."""
        rows = self.rows
        self._agenda, self._dues = Agenda(), []
        for each in (self._gate, self.claims, self._foresight):
            each.clear()
        rows.lanes = type(rows.lanes)()
        for name in rows.entries:
            self._wake(name)
        for fire in list(rows.open.values()):
            if fire.state is State.PLANNED and fire.schedule not in rows.entries:
                message = "its schedule is no longer in the configuration"
                rows.put(fires.ended(fire, State.SKIPPED, Reason.REMOVED, message, now))
            elif fire.state is State.PLANNED:
                heapq.heappush(self._dues, (fire.due, fire.key))
            else:
                rows.lanes.enter(rows.lane(fire.schedule), fire.key)
                if fire.state is State.CLAIMED and fire.key not in self.claims.launching:
                    self.claims.put(fire.key, now)
        rows.lanes.touch_all()

    # -- time ------------------------------------------------------------------------------------

    def step(
        self, now: float, runs: Mapping[str, Run], launcher: Launcher, tolerance: float
    ) -> None:
        """Decide all that has come: new rows, who is admitted, who is launched at this pace."""
        for name in self._agenda.take(now):
            foreseen = self._foresight.take(self.rows.cursors[name], now)
            if foreseen is None:
                self._plan(name, now, tolerance)
                self._wake(name)
            else:
                self._follow(foreseen.plan, now)
                self._agenda.put(name, foreseen.wake)
        while self._dues and self._dues[0][0] <= now:
            self._arrive(heapq.heappop(self._dues)[1], now)
        for lane in self.rows.lanes.changed(now):
            admitted = admit(self.rows, lane, runs, now)
            self._gate.put(admitted.launch)
            self.stops += admitted.stops
        self._claim(self._gate.go(now), now, launcher)

    def wait(self, now: float) -> float:
        """Return how long nothing is to be done, at most thirty seconds."""
        if self._foresight.more:
            return 0.0
        times: list[float | None] = [now + LONGEST_SLEEP, self._agenda.first(), self.claims.first()]
        if self._dues:
            times.append(self._dues[0][0])
        if self.rows.lanes.any_waits:
            times.append(now + SWEEP)
        pause = self._gate.wait(now)
        if pause is not None:
            times.append(now + pause)
        return max(0.0, min(each for each in times if each is not None) - now)

    def foresee(self, now: float, launcher: Launcher) -> None:
        """Decide ahead of time, with time to spare, some of what comes soon."""
        self._foresight.look(self.rows, self._agenda, launcher, now)

    def _wake(self, name: str) -> None:
        rows = self.rows
        found = planning.next_wake(rows.entries[name].schedule, rows.cursors[name])
        self._agenda.put(name, found)

    def _plan(self, name: str, now: float, tolerance: float) -> None:
        rows = self.rows
        cursor = rows.cursors[name]
        plan = planning.plan(rows.entries[name].schedule, cursor, now, tolerance)
        if plan.cursor is not cursor:
            self._follow(plan, now)

    def _follow(self, plan: Plan, now: float) -> None:
        rows = self.rows
        rows.move(plan.cursor)
        for row in plan.rows:
            key = row.key
            if key in rows.open:
                continue
            if row.state is not State.PLANNED:
                rows.put(row)
                continue
            rows.go_on(key, row)
            if row.due <= now:
                self._arrive(key, now)
            else:
                heapq.heappush(self._dues, (row.due, key))

    def _arrive(self, key: Key, now: float) -> None:
        """Let what is due wait in its lane, or be ready at once where nobody is in the way."""
        fire, entry = self.rows.open.get(key), self.rows.entries.get(key.schedule)
        if fire is None or fire.state is not State.PLANNED or entry is None:
            return
        late = planning.too_late(entry.schedule, fire, now)
        lane = lane_of(entry.schedule)
        if late is not None:
            self.rows.put(late)
        elif lane is None:
            self._gate.put([fire])
        else:
            self.rows.lanes.wait(lane, key)

    def _claim(self, chosen: Iterable[Fire], now: float, launcher: Launcher) -> None:
        rows, (holder, fence) = self.rows, self.leadership
        for fire in chosen:
            key, entry = fire.key, rows.entries[fire.schedule]
            name = self._foresight.name(key) or launcher.name(entry.work, fire)
            claim = fires.claimed(fire, holder, fence, now, name)
            rows.go_on(key, claim)
            rows.lanes.enter(lane_of(entry.schedule), key)
            self.claims.add(claim)

    # -- runs ------------------------------------------------------------------------------------

    def seen(self, run: Run, now: float) -> Fire | None:
        """Take in how a run goes; return its row if it has ended, or is to be launched again."""
        fire = self.rows.open.get(run.key)
        if fire is None or fire.run != run.name or fire.attempt != run.attempt:
            return None
        if fire.state is State.CLAIMED and run.key not in self.claims.launching:
            # Somebody before us launched it and could not say so.
            self.claims.launched(run.key, run.uid, now)
            fire = self.rows.open[run.key]
        if fire.state is not State.FIRED:
            return None
        self.rows.lanes.touch(self.rows.lane(fire.schedule))
        if run.outcome is Outcome.RUNNING:
            return None
        return self.ended(fire, Ending(run.outcome, run.ended or now, run.message), now)

    def ended(self, fire: Fire, ending: Ending, now: float) -> Fire:
        """Note the end of a run; one that was lost is planned again."""
        rows = self.rows
        entry, cursor = rows.entries.get(fire.schedule), rows.cursors.get(fire.schedule)
        new = outcomes.end(entry.schedule if entry else None, fire, ending, now)
        rows.put(new)
        if new.state is State.PLANNED:
            heapq.heappush(self._dues, (new.due, new.key))
            return new
        if entry is not None and cursor is not None:
            rows.move(outcomes.count(entry.schedule, cursor, new))
        if new.outcome is Outcome.SUCCEEDED:
            rows.succeeded(fire.schedule)
        return new

    # -- requests --------------------------------------------------------------------------------

    def add(self, fire: Fire) -> bool:
        """Take in a row that somebody asked for; False when there is one of this key."""
        if fire.key in self.rows.open:
            return False
        self.rows.put(fire)
        heapq.heappush(self._dues, (fire.due, fire.key))
        return True

    def set_cursor(self, cursor: Cursor) -> None:
        """Change a schedule's cursor: its pause begins or ends."""
        self.rows.move(cursor)
        self._wake(cursor.schedule)

    def decide(self, name: str, now: float, tolerance: float) -> None:
        """Decide one schedule up to now, whether it is due or not."""
        if name in self.rows.entries:
            self._plan(name, now, tolerance)
