"""Which queued attempt a worker gets, and why one still waits.

The queue is made of *lanes*: attempts of one project that ask for the same pool and capabilities.
Inside a lane the order is a number that never changes (`rank`), so a store keeps an index on
(lane, rank) and reads one head for each lane; `choose` decides among the heads. A lane no worker
can serve, or a blocked attempt, therefore holds up nobody else.

Nobody starves. Among projects the one with the smallest share of its pool is next, and a share
falls whenever an attempt ends. At equal shares, and in a lane, rank decides: priority is worth a
bounded time, so only finitely many can come in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

POINT_SECONDS = 60.0
"""What a point of priority is worth: as much as having waited a minute longer."""


class Lane(NamedTuple):
    """Where an attempt queues. *needs* are capabilities: `docker`, `arch:arm64`."""

    project: str
    pool: str
    needs: frozenset[str] = frozenset()


class Waiting(NamedTuple):
    """A queued attempt as the queue sees it. *id* grows with age and decides between equals."""

    id: int
    lane: Lane
    queued: float
    priority: int = 0

    @property
    def rank(self) -> float:
        """Return its place in order, smaller is sooner; it ages by standing still."""
        return self.queued - self.priority * POINT_SECONDS


class Worker(NamedTuple):
    """Who asks for work, or could. *slots* is how many attempts it runs at once."""

    name: str
    pools: frozenset[str]
    capabilities: frozenset[str] = frozenset()
    slots: int = 1
    paused: bool = False

    def serves(self, lane: Lane) -> bool:
        return not self.paused and lane.pool in self.pools and lane.needs <= self.capabilities


Shares = Mapping[tuple[str, str], float]
"""How many attempts are leased, running or cancelling by (project, pool)."""


def choose(
    heads: Iterable[Waiting], worker: Worker, held: Shares, weights: Mapping[str, float]
) -> Waiting | None:
    """Return the attempt *worker* gets next, None when nothing fits it.

    *heads* are the first attempts of lanes that no concurrency group blocks. A project's weight
    is 1 unless given; one of weight 2 gets twice the share.
    """
    fitting = (head for head in heads if worker.serves(head.lane))
    return min(fitting, key=lambda head: order(head, held, weights), default=None)


def order(head: Waiting, held: Shares, weights: Mapping[str, float]) -> tuple[float, float, int]:
    """Return what heads are compared by; the smallest is next."""
    project = head.lane.project
    share = held.get((project, head.lane.pool), 0) / max(weights.get(project, 1), 0.01)
    return share, head.rank, head.id


def ahead(before: int, held: int, others: Iterable[tuple[int, int]]) -> int:
    """Estimate how many attempts are leased sooner than one.

    *before* of its own project stand before it in its pool and *held* have been leased; *others*
    are the same two figures of each other project with a queue: how many wait, how many are held.
    Projects take turns, so each gets as far as this one must get.
    """
    level = before + held
    return before + sum(min(queued, max(0, level - theirs + 1)) for queued, theirs in others)


class Standing(NamedTuple):
    """What is known of the queue when somebody asks. *ahead* and *queued* count attempts.

    *typical* is how many seconds attempts of the pool take, None when none has ended yet.
    """

    ahead: int
    queued: int
    busy: int
    typical: float | None = None
    blocked: str = ""


def why(lane: Lane, workers: Iterable[Worker], standing: Standing) -> str:
    """Say in one sentence why an attempt of *lane* waits, with position and estimate."""
    if standing.blocked:
        return standing.blocked
    known = tuple(workers)
    fitting = [worker for worker in known if worker.serves(lane)]
    if not fitting:
        return _nobody(lane, known)
    place = f"number {standing.ahead + 1} of {standing.queued} in the queue of pool {lane.pool}"
    slots = sum(worker.slots for worker in fitting)
    if standing.busy < slots and not standing.ahead:
        return f"{place}: a worker is about to take it"
    busy = f"all {slots} slots are busy" if standing.busy >= slots else "others go first"
    return f"{place}: {busy}{_estimate(standing, slots)}"


def estimate(standing: Standing, slots: int) -> float | None:
    """Return the seconds until it is leased, roughly; None without experience."""
    if standing.typical is None or slots < 1:
        return None
    free = max(0, slots - standing.busy)
    return max(0, standing.ahead + 1 - free) * standing.typical / slots


def _estimate(standing: Standing, slots: int) -> str:
    seconds = estimate(standing, slots)
    if seconds is None:
        return ""
    if seconds < 60:
        return "; less than a minute to go"
    minutes = round(seconds / 60)
    unit = "minute" if minutes == 1 else "minutes"
    if minutes < 120:
        return f"; about {minutes} {unit} to go"
    return f"; about {round(minutes / 60)} hours to go"


def _nobody(lane: Lane, workers: tuple[Worker, ...]) -> str:
    """Say what is missing for *lane*."""
    pool = [worker for worker in workers if lane.pool in worker.pools]
    if not pool:
        return f"no worker serves the pool {lane.pool}"
    able = [worker for worker in pool if lane.needs <= worker.capabilities]
    if able:
        names = ", ".join(sorted(worker.name for worker in able))
        return f"every worker that could take it is paused: {names}"
    best = min(pool, key=lambda worker: len(lane.needs - worker.capabilities))
    missing = ", ".join(sorted(lane.needs - best.capabilities))
    elsewhere = {name for each in workers if lane.needs <= each.capabilities for name in each.pools}
    hint = f"; workers of {', '.join(sorted(elsewhere))} do" if elsewhere else ""
    return f"no worker of the pool {lane.pool} offers {missing} with all else it needs{hint}"


def prepares(worker: str, node: str | None, seen: Iterable[str]) -> str:
    """Say in one sentence why an attempt that *worker* holds has not started yet."""
    where = f" on the node {node}" if node else ""
    told = "; ".join(dict.fromkeys(filter(None, seen)))
    return f"the worker {worker} prepares it{where}" + (f": {told}" if told else "")
