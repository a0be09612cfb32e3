"""Histories of lanes, decided once as we do it and once as slowly and plainly as it can be done."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from steersman.core.schedules import fires, overlaps
from steersman.core.schedules.fires import Fire, Key
from steersman.core.schedules.overlaps import Running, Verdict, Waiting
from steersman.core.schedules.schedule import Overlap, Overlapping
from tests.core.schedules.oracles import often

NOW = 1_800_000_000


class Expected(NamedTuple):
    launch: set[Key]
    skip: set[Key]
    stop: set[Key]


def one_by_one(waiting: list[Waiting], running: list[Running], now: float) -> Expected:
    """Let each instant come alone: what runs and what waits are lists that are counted anew."""
    blocking = [run.key for run in running if not _lets_others_by(run, now)]
    there, held = list(blocking), list[Key]()
    launched, skipped, stopped = set[Key](), set[Key](), set[Key]()
    for each in sorted(waiting, key=lambda one: (one.fire.due, one.fire.instant)):
        key, kind = each.fire.key, each.overlap.kind
        room = {Overlapping.BUFFER_ONE: 1, Overlapping.QUEUE: each.overlap.most}.get(kind, 0)
        mine = [one.fire for one in waiting if one.fire.schedule == key.schedule]
        if kind is Overlapping.REPLACE and any(_is_later(one, each.fire) for one in mine):
            skipped.add(key)
        elif kind is Overlapping.REPLACE:
            stopped |= set(blocking)
            skipped |= launched
            there, launched = [key], {key}
        elif kind is Overlapping.ALLOW or not (there or held):
            there.append(key)
            launched.add(key)
        elif len(held) < room:
            held.append(key)
        else:
            skipped.add(key)
    return Expected(launched, skipped, stopped)


def _is_later(one: Fire, than: Fire) -> bool:
    return (one.due, one.instant) > (than.due, than.instant)


def _lets_others_by(run: Running, now: float) -> bool:
    return run.lost or (run.sick and run.terminating is not None and now > run.terminating + 120)


class Lane:
    """A lane of up to three schedules, each with a policy of its own, and what goes on there."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.policies = {
            f"s{number}": Overlap(chance.choice(list(Overlapping)), chance.randint(1, 3))
            for number in range(chance.choice((1, 1, 2, 3)))
        }
        self.waiting: dict[Key, Waiting] = {}
        self.running: dict[Key, Running] = {}
        self.arrived = self.launched = self.skipped = 0

    def happen(self, now: int) -> None:
        """Let instants come, runs end, and nodes fall sick."""
        for name, policy in self.policies.items():
            if self.chance.random() < 0.5:
                due = now - self.chance.choice((0, 0, 1, 5))
                fire = fires.planned(name, now, due, now)
                self.waiting[fire.key] = Waiting(fire, policy)
                self.arrived += 1
        for key, run in list(self.running.items()):
            roll = self.chance.random()
            if roll < 0.2:
                del self.running[key]
            elif roll < 0.3:
                self.running[key] = run._replace(lost=True)
            elif roll < 0.5:
                since = now - self.chance.choice((1, 119, 120, 121))
                self.running[key] = run._replace(sick=roll < 0.4, terminating=since)

    def follow(self, verdict: Verdict) -> None:
        """Do what was decided."""
        for run in verdict.stop:
            del self.running[run.key]
        for skip in verdict.skip:
            del self.waiting[skip.fire.key]
        for fire in verdict.launch:
            del self.waiting[fire.key]
            self.running[fire.key] = Running(fire.key, f"run-{fire.instant}")
        self.launched += len(verdict.launch)
        self.skipped += len(verdict.skip)


@pytest.mark.hypothesis
def test_histories_of_lanes_are_those_of_a_look_at_one_instant_after_the_other() -> None:
    chance = random.Random(10)
    launched = skipped = stopped = waited = 0
    for _ in range(often(1_000, 100_000)):
        lane = Lane(chance)
        for moment in range(chance.randint(3, 12)):
            now = NOW + moment
            lane.happen(now)
            waiting, running = list(lane.waiting.values()), list(lane.running.values())
            verdict = overlaps.admit(waiting, running, now)
            found = Expected(
                {fire.key for fire in verdict.launch},
                {skip.fire.key for skip in verdict.skip},
                {run.key for run in verdict.stop},
            )
            assert found == one_by_one(waiting, running, now), (waiting, running)
            lane.follow(verdict)
            stopped += len(verdict.stop)
        assert lane.arrived == lane.launched + lane.skipped + len(lane.waiting)
        launched, skipped = launched + lane.launched, skipped + lane.skipped
        waited += len(lane.waiting)
    assert min(launched, skipped, stopped, waited) > 200
