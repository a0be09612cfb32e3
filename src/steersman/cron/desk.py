"""What a leader has in mind: cursors, open rows, who waits for what. No I/O, and no clock.

Everything that changes is dirty until the ledger has it; only rows that the ledger has as claimed
are launched.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from steersman.core.schedules import fires, outcomes, overlaps, pacing, planning
from steersman.core.schedules.fires import Fire, Key, Outcome, Reason, State
from steersman.core.schedules.outcomes import Ending
from steersman.core.schedules.overlaps import Running, Waiting
from steersman.core.schedules.pacing import Pace, Ready
from steersman.core.schedules.schedule import Cursor, Overlapping, Schedule
from steersman.cron.entries import Entries
from steersman.cron.launchers.base import Launcher, Run
from steersman.cron.ledger.base import Changes, Loaded

LONGEST_SLEEP = 30.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
SWEEP = 5.0
"""How often lanes are looked at in which somebody waits: only time may have freed them."""


class Leadership(NamedTuple):
    """Who we are while we lead."""

    holder: str
    fence: int


class Desk:
    """One term's mind. Methods are given the time and the seen runs."""

    def __init__(self, leadership: Leadership, loaded: Loaded, pace: Pace) -> None:
        self.leadership = leadership
        self.entries: Entries = {}
        self.cursors = {each.schedule: each for each in loaded.cursors}
        self.open = {each.key: each for each in loaded.open}
        self.missed: dict[str, Fire] = {}
        self.pace = pace
        self.stops: list[str] = []
        self.launching: set[Key] = set()
        self._stored = set(self.open)
        self._rows: dict[Key, Fire] = {}
        self._changed: dict[str, Cursor] = {}
        self._forget: set[str] = set()
        self._wakes: list[tuple[int, str]] = []
        self._dues: list[tuple[float, Key]] = []
        self._retries: list[tuple[float, Key]] = []
        self._ready: dict[Key, Fire] = {}
        self._lanes: dict[str, dict[Key, None]] = {}
        self._waiting: dict[str, dict[Key, None]] = {}
        self._touched: set[str] = set()
        self._swept = 0.0

    # -- configuration ---------------------------------------------------------------------------

    def configure(self, entries: Entries, now: float, tolerance: float) -> None:
        """Go on with *entries*: what was due until now is decided by what was there before."""
        for name in self.entries:
            self._plan(name, now, tolerance)
        self.entries = entries
        for name, entry in entries.items():
            cursor = self.cursors.get(name)
            if cursor is None:
                self._move(planning.begin(entry.schedule, now))
            elif cursor.version != entry.schedule.version:
                decided = max(cursor.decided, int(now // 1))
                self._move(cursor._replace(version=entry.schedule.version, decided=decided))
        for name in self.cursors.keys() - entries.keys():
            del self.cursors[name]
            self._changed.pop(name, None)
            self._forget.add(name)
        self._rebuild(now)

    def _rebuild(self, now: float) -> None:
        """Make the orders of wakes and dues anew."""
        self._wakes, self._dues, self._retries = [], [], []
        self._ready, self._lanes, self._waiting = {}, {}, {}
        for name in self.entries:
            self._wake(name)
        for fire in list(self.open.values()):
            if fire.state is State.PLANNED and fire.schedule not in self.entries:
                message = "its schedule is no longer in the configuration"
                self._put(fires.ended(fire, State.SKIPPED, Reason.REMOVED, message, now))
            elif fire.state is State.PLANNED:
                heapq.heappush(self._dues, (fire.due, fire.key))
            else:
                self._enter(fire)
                if fire.state is State.CLAIMED and fire.key not in self.launching:
                    heapq.heappush(self._retries, (now, fire.key))
        self._touched = set(self._lanes)

    # -- time ------------------------------------------------------------------------------------

    def step(
        self, now: float, runs: Mapping[str, Run], launcher: Launcher, tolerance: float
    ) -> None:
        """Decide all that has come: new rows, who is admitted, who is launched at this pace."""
        while self._wakes and self._wakes[0][0] <= now:
            _, name = heapq.heappop(self._wakes)
            if name in self.entries:
                self._plan(name, now, tolerance)
                self._wake(name)
        self._arrive(now)
        if self._waiting and not 0 <= now - self._swept < SWEEP:
            self._swept = now
            self._touched.update(self._waiting)
        while self._touched:
            self._admit(self._touched.pop(), runs, now)
        self._claim(now, launcher)

    def wait(self, now: float) -> float:
        """Return how long nothing is to be done, at most thirty seconds."""
        times = [now + LONGEST_SLEEP]
        if self._waiting:
            times.append(now + SWEEP)
        times += [heap[0][0] for heap in (self._wakes, self._dues, self._retries) if heap]
        pause = pacing.wait(self.pace, len(self._ready), now)
        if pause is not None:
            times.append(now + pause)
        return max(0.0, min(times) - now)

    def _wake(self, name: str) -> None:
        found = planning.next_wake(self.entries[name].schedule, self.cursors[name])
        if found is not None:
            heapq.heappush(self._wakes, (found, name))

    def _plan(self, name: str, now: float, tolerance: float) -> None:
        schedule, cursor = self.entries[name].schedule, self.cursors[name]
        plan = planning.plan(schedule, cursor, now, tolerance)
        if plan.cursor is not cursor:
            self._move(plan.cursor)
        for row in plan.rows:
            key = row.key
            if key in self.open:
                continue
            self._put(row)
            if row.state is State.PLANNED:
                heapq.heappush(self._dues, (row.due, key))

    def _arrive(self, now: float) -> None:
        """Let what is due wait in its lane, or be ready at once where nobody is in the way."""
        while self._dues and self._dues[0][0] <= now:
            _, key = heapq.heappop(self._dues)
            fire = self.open.get(key)
            if fire is None or fire.state is not State.PLANNED or fire.schedule not in self.entries:
                continue
            schedule = self.entries[fire.schedule].schedule
            late = planning.too_late(schedule, fire, now)
            if late is not None:
                self._put(late)
            elif schedule.overlap.kind is Overlapping.ALLOW and schedule.group is None:
                self._ready[key] = fire
            else:
                self._waiting.setdefault(schedule.lane, {})[key] = None
                self._touched.add(schedule.lane)

    def _admit(self, lane: str, runs: Mapping[str, Run], now: float) -> None:
        keys = self._waiting.get(lane, {})
        waiting = []
        for key in list(keys):
            fire, schedule = self.open[key], self.entries[key.schedule].schedule
            late = planning.too_late(schedule, fire, now)
            if late is not None:
                del keys[key]
                self._put(late)
            else:
                waiting.append(Waiting(fire, schedule.overlap))
        if not waiting:
            self._waiting.pop(lane, None)
            return
        running = [_running(self.open[key], runs) for key in self._lanes.get(lane, {})]
        verdict = overlaps.admit(waiting, running, now)
        for fire in verdict.launch:
            del keys[fire.key]
            self._ready[fire.key] = fire
            self._lanes.setdefault(lane, {})[fire.key] = None
        for skip in verdict.skip:
            del keys[skip.fire.key]
            self._put(fires.ended(skip.fire, State.SKIPPED, skip.reason, skip.message, now))
        self.stops += [run.run for run in verdict.stop if run.run]

    def _claim(self, now: float, launcher: Launcher) -> None:
        for key, fire in list(self._ready.items()):
            late = planning.too_late(self.entries[fire.schedule].schedule, fire, now)
            if late is not None:
                del self._ready[key]
                self._put(late)
        if not self._ready:
            return
        ready = []
        for fire in self._ready.values():
            schedule = self.entries[fire.schedule].schedule
            ready.append(Ready(fire, schedule.priority, schedule.project))
        chosen, self.pace = pacing.pick(self.pace, ready, now)
        holder, fence = self.leadership
        for fire in chosen:
            del self._ready[fire.key]
            name = launcher.name(self.entries[fire.schedule].work, fire)
            claim = fires.claimed(fire, holder, fence, now, name)
            self._put(claim)
            self._enter(claim)
            heapq.heappush(self._retries, (now, claim.key))

    # -- launches --------------------------------------------------------------------------------

    def launches(self, now: float) -> list[Fire]:
        """Return what the ledger has as claimed and nobody launches yet; now somebody does."""
        found = []
        while self._retries and self._retries[0][0] <= now:
            _, key = heapq.heappop(self._retries)
            fire = self.open.get(key)
            if fire is None or fire.state is not State.CLAIMED or key in self.launching:
                continue
            self.launching.add(key)
            found.append(fire)
        return found

    def launched(self, key: Key, uid: str, now: float) -> Fire | None:
        """Note that a launch went through; return its row if that is news."""
        self.launching.discard(key)
        fire = self.open.get(key)
        if fire is None or fire.state is not State.CLAIMED:
            return None
        new = fires.fired(fire, uid, now)
        self._put(new)
        cursor = self.cursors.get(key.schedule)
        if cursor is not None:
            self._move(cursor._replace(last_fired=max(cursor.last_fired or 0, key.instant)))
        return new

    def delayed(self, key: Key, why: str, now: float) -> None:
        """Note that a launch found nobody; it is tried again, later each time."""
        self.launching.discard(key)
        fire = self.open.get(key)
        if fire is None or fire.state is not State.CLAIMED:
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(fire.delays, 10))
        self._put(fire._replace(delays=fire.delays + 1, message=why))
        heapq.heappush(self._retries, (now + pause, key))

    def given_up(self, key: Key, reason: Reason, why: str, now: float) -> None:
        """Note that a launch will never be."""
        self.launching.discard(key)
        fire = self.open.get(key)
        if fire is not None and fire.state is State.CLAIMED:
            self._put(fires.ended(fire, State.MISSED, reason, why, now))

    def over(self, fire: Fire, now: float) -> bool:
        """Tell whether the deadline of a claimed row has passed, or its schedule is gone."""
        entry = self.entries.get(fire.schedule)
        return entry is None or planning.too_late(entry.schedule, fire, now) is not None

    # -- runs ------------------------------------------------------------------------------------

    def seen(self, run: Run, now: float) -> Fire | None:
        """Take in how a run goes; return its row if it has ended, or is to be launched again."""
        fire = self.open.get(run.key)
        if fire is None or fire.run != run.name or fire.attempt != run.attempt:
            return None
        if fire.state is State.CLAIMED and fire.key not in self.launching:
            # Somebody before us launched it and could not say so.
            self.launched(fire.key, run.uid, now)
            fire = self.open[run.key]
        if fire.state is not State.FIRED:
            return None
        self._touch(fire.schedule)
        if run.outcome is Outcome.RUNNING:
            return None
        return self.ended(fire, Ending(run.outcome, run.ended or now, run.message), now)

    def ended(self, fire: Fire, ending: Ending, now: float) -> Fire:
        """Note the end of a run; one that was lost is planned again."""
        entry = self.entries.get(fire.schedule)
        new = outcomes.end(entry.schedule if entry else None, fire, ending, now)
        self._put(new)
        if new.state is State.PLANNED:
            heapq.heappush(self._dues, (new.due, new.key))
            return new
        cursor = self.cursors.get(fire.schedule)
        if entry is not None and cursor is not None:
            self._move(outcomes.count(entry.schedule, cursor, new))
        if new.outcome is Outcome.SUCCEEDED:
            self.missed.pop(fire.schedule, None)
        return new

    # -- requests --------------------------------------------------------------------------------

    def add(self, fire: Fire) -> bool:
        """Take in a row that somebody asked for; False when there is one of this key."""
        if fire.key in self.open:
            return False
        self._put(fire)
        heapq.heappush(self._dues, (fire.due, fire.key))
        return True

    def set_cursor(self, cursor: Cursor) -> None:
        """Change a schedule's cursor: its pause begins or ends."""
        self._move(cursor)
        self._wake(cursor.schedule)

    def decide(self, name: str, now: float, tolerance: float) -> None:
        """Decide one schedule up to now, whether it is due or not."""
        if name in self.entries:
            self._plan(name, now, tolerance)

    # -- what the ledger has -----------------------------------------------------------------------

    def changes(self, done: Sequence[str] = ()) -> Changes:
        """Return what the ledger does not have yet."""
        rows, cursors = tuple(self._rows.values()), tuple(self._changed.values())
        return Changes(rows, cursors, tuple(done), tuple(self._forget))

    def written(self, changes: Changes) -> None:
        """Note that the ledger has *changes*."""
        for row in changes.rows:
            if self._rows.get(row.key) is row:
                del self._rows[row.key]
        for cursor in changes.cursors:
            if self._changed.get(cursor.schedule) is cursor:
                del self._changed[cursor.schedule]
        self._forget -= set(changes.forget)

    def schedules(self) -> Iterable[tuple[Schedule, Cursor]]:
        """Return each schedule with its cursor."""
        return [(entry.schedule, self.cursors[name]) for name, entry in self.entries.items()]

    def _put(self, fire: Fire) -> None:
        key, is_open = fire.key, fire.open
        self._rows[key] = fire
        if is_open:
            self.open[key] = fire
        else:
            self.open.pop(key, None)
        if fire.state is State.MISSED:
            self.missed[fire.schedule] = fire
        if not is_open or fire.state is State.PLANNED:
            self._leave(fire)

    def _move(self, cursor: Cursor) -> None:
        self.cursors[cursor.schedule] = self._changed[cursor.schedule] = cursor
        self._forget.discard(cursor.schedule)

    def _enter(self, fire: Fire) -> None:
        """Let a row be in its lane: it is about to run, or runs."""
        entry = self.entries.get(fire.schedule)
        if entry is not None:
            self._lanes.setdefault(entry.schedule.lane, {})[fire.key] = None

    def _leave(self, fire: Fire) -> None:
        entry = self.entries.get(fire.schedule)
        if entry is None:
            return
        lane = entry.schedule.lane
        if lane in self._lanes and self._lanes[lane].pop(fire.key, self) is None:
            self._touched.add(lane)
            if not self._lanes[lane]:
                del self._lanes[lane]

    def _touch(self, name: str) -> None:
        if name in self.entries:
            self._touched.add(self.entries[name].schedule.lane)


def _running(fire: Fire, runs: Mapping[str, Run]) -> Running:
    run = runs.get(fire.run)
    if run is None:
        return Running(fire.key, fire.run)
    lost = run.outcome is not Outcome.RUNNING
    return Running(fire.key, fire.run, lost, run.sick, run.terminating)
