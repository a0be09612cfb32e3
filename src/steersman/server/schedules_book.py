"""What a transaction writes about schedules, with what is counted of it and who is told.

An alarm is a row that is written with what it tells of, and its messages too: whoever comes second
finds it. What many rows say of one project goes out as one message.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from steersman.core import alerts, ids, notifications
from steersman.core.alerts import OVER, RAISED, Alert, Alerts
from steersman.core.schedules import alarms, figures, planning
from steersman.core.schedules.alarms import Alarm, What
from steersman.core.schedules.fires import Fire, Key, Outcome, State
from steersman.core.schedules.schedule import Cursor, Schedule
from steersman.store import outboxes, schedule_alarms
from steersman.store import schedule_ledgers as ledgers
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction
from steersman.store.schedules import Place

OF_INSTANTS = frozenset({What.LATE, What.RUNNING})
ENDED_BY_SUCCESS = frozenset({What.MISSED, What.SILENT})


class Entry(NamedTuple):
    """A row of the ledger, and whose it is."""

    fire: Fire
    row: Row
    schedule: Schedule


class Book:
    """One transaction's changes; close it last.

    What is decided is kept until `write`: an instant that is launched in the same turn is one row
    to be added, and no other, and its schedule changes once.
    """

    def __init__(self, tx: Transaction, now: float) -> None:
        self._tx, self._now = tx, now
        self._counts: Counter[str] = Counter()
        self._rung: list[tuple[Row, Alarm]] = []
        self._over: list[tuple[Row, Collection[What], int | None]] = []
        self._new: dict[Key, Entry] = {}
        self._places: dict[str, Place] = {}

    @property
    def planned(self) -> list[Entry]:
        """Return what was decided and is not written yet, as far as it is to be launched."""
        return [each for each in self._new.values() if each.fire.state is State.PLANNED]

    def move(self, row: Row, schedule: Schedule, cursor: Cursor) -> None:
        """Keep a cursor, with the moments at which there is something to decide again."""
        before = rows.cursor(row)
        silent = alarms.silence(schedule, before, cursor, row.get("silent"), self._now)
        wake = planning.wake(schedule, cursor)
        self._places[cursor.schedule] = Place(cursor, wake, silent)
        if cursor.pause is None or before.pause is not None:
            return
        if (stopped := alarms.stopped(schedule, cursor)) is not None:
            self.ring(row, stopped)
        # Of what is paused no success is awaited.
        self.still(row, {What.SILENT})

    def enter(self, row: Row, schedule: Schedule, fire: Fire) -> None:
        """Add a row to the ledger."""
        self._new[fire.key] = Entry(fire, row, schedule)
        self._note(row, schedule, fire)

    def _put(self, fire: Fire) -> None:
        known = self._new.get(fire.key)
        if known is None:
            ledgers.put(self._tx, fire)
        else:
            self._new[fire.key] = known._replace(fire=fire)

    def write(self) -> None:
        """Let the store have what was decided: whoever reads it then finds it."""
        for each in self._new.values():
            ledgers.enter(self._tx, each.fire)
        for place in self._places.values():
            rows.move(self._tx, place)
        self._new.clear()
        self._places.clear()

    def give_up(self, row: Row, schedule: Schedule, fire: Fire) -> None:
        """Note that an instant is skipped or missed after all."""
        self._put(fire)
        self._note(row, schedule, fire)
        self.still(row, OF_INSTANTS, fire.instant)

    def launch(self, row: Row, schedule: Schedule, fire: Fire) -> None:
        """Note that an instant is launched."""
        self._put(fire)
        self._fired(fire)
        self._counts[figures.state(State.FIRED)] += 1
        self._counts.update(figures.lateness((fire.launched or self._now) - fire.due))
        if (late := alarms.of_row(schedule, fire, self._now)) is not None:
            self.ring(row, late)

    def _fired(self, fire: Fire) -> None:
        place = self._places.get(fire.schedule)
        if place is None:
            rows.fired(self._tx, fire.schedule, fire.instant)
            return
        newest = max(fire.instant, place.cursor.last_fired or 0)
        cursor = place.cursor._replace(last_fired=newest)
        self._places[fire.schedule] = place._replace(cursor=cursor)

    def end(self, row: Row, fire: Fire, outcome: Outcome) -> None:
        """Note how the run of an instant ended; it may be planned once more."""
        self._put(fire)
        self._counts[figures.outcome(outcome)] += 1
        self.still(row, OF_INSTANTS, fire.instant)
        if outcome is Outcome.SUCCEEDED:
            self.still(row, ENDED_BY_SUCCESS)

    def _note(self, row: Row, schedule: Schedule, fire: Fire) -> None:
        if fire.state is State.PLANNED:
            return
        self._counts[figures.state(fire.state)] += fire.covers
        if (missed := alarms.missed(schedule, fire)) is not None:
            self.ring(row, missed)

    def ring(self, row: Row, alarm: Alarm) -> None:
        """Raise an alarm, unless it is raised already."""
        self._rung.append((row, alarm))

    def still(self, row: Row, kinds: Collection[What], instant: int | None = None) -> None:
        """Let alarms of these kinds be over, those of one instant if that is said."""
        self._over.append((row, kinds, instant))

    def close(self) -> None:
        """Write all of it, also what is counted, raised and over."""
        self.write()
        schedule_alarms.count(self._tx, self._counts)
        told: dict[str, list[Alert]] = {}
        if self._rung or (self._over and schedule_alarms.any_there(self._tx)):
            for row, alert in self._changed():
                told.setdefault(row["project_id"], []).append(alert)
        for project, found in told.items():
            self._tell(project, tuple(found))

    def _changed(self) -> list[tuple[Row, Alert]]:
        """Write which alarms there are now, and return the news."""
        concerned = [row["id"] for row, _ in self._rung]
        concerned += [row["id"] for row, _, _ in self._over]
        known = {
            identity: [each.alarm for each in found]
            for identity, found in schedule_alarms.of(self._tx, concerned).items()
        }
        news = []
        for row, kinds, instant in self._over:
            for alarm in known.get(row["id"], ()):
                meant = alarm.what in kinds and instant in (None, alarm.instant)
                if meant and schedule_alarms.end(self._tx, alarm):
                    news.append((row, _alert(row, alarm, OVER)))
        for row, alarm in self._rung:
            # What was missed is told once, until a run succeeds.
            same = alarm.what is What.MISSED and any(
                each.what is What.MISSED for each in known.get(row["id"], ())
            )
            if not same and schedule_alarms.raise_(self._tx, alarm, self._now):
                known.setdefault(row["id"], []).append(alarm)
                news.append((row, _alert(row, alarm, RAISED)))
        return news

    def _tell(self, identity: str, found: tuple[Alert, ...]) -> None:
        project = schedule_alarms.project(self._tx, identity)
        if project is None:
            return
        news = Alerts(project["name"], self._now, found)
        for target in alerts.wanted(notifications.targets(project["settings"])):
            key = alerts.key(target, news)
            # An id that its key decides: chance is no part of a transaction that may run twice.
            digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
            outboxes.add(
                self._tx,
                {
                    "id": ids.make(int(self._tx.now * 1000), digest[: ids.RANDOM_BYTES]),
                    "project_id": identity,
                    "run_id": None,
                    "kind": target.kind.value,
                    "key": key,
                    "message": {"target": target.id, "alerts": alerts.stored(news)},
                },
            )


def _alert(row: Row, alarm: Alarm, state: str) -> Alert:
    return Alert(row["name"], alarm.what.value, alarm.instant, alarm.message, state)
