"""The queue as rows: lanes, their heads, what is held, and who works.

A lane's head is one step into an index, so the length of the queue does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import and_, bindparam, func, insert, or_, select, true, update

from steersman.core import queue
from steersman.core.queue import Lane, Waiting
from steersman.store.base import Row, Transaction
from steersman.store.prepared import NOTHING, Prepared
from steersman.store.tables import ACTIVE, QUEUED, attempts, lanes, projects, runs, workers

OPEN = ("queued", "leased", "running", "cancelling")


def _heads(*, skip_locked: bool) -> Prepared:
    """Return the lanes in which something waits, each with its first free attempt."""
    first = (
        select(attempts.c.id, attempts.c.rank)
        .where(QUEUED, attempts.c.lane == lanes.c.id, attempts.c.blocked.is_(False))
        .order_by(attempts.c.rank, attempts.c.id)
        .limit(1)
    )
    of_lane = (lanes.c.id.label("lane_id"), lanes.c.project_id, lanes.c.pool, lanes.c.needs)
    weight = projects.c.settings["weight"].as_float().label("weight")
    if skip_locked:
        head = first.with_for_update(skip_locked=True).lateral()
        query = select(*of_lane, weight, head.c.id, head.c.rank).join_from(lanes, head, true())
    else:
        head_id = first.with_only_columns(attempts.c.id).correlate(lanes).scalar_subquery()
        query = select(*of_lane, weight, attempts.c.id, attempts.c.rank).join_from(
            lanes, attempts, attempts.c.id == head_id
        )
    return Prepared(
        query.join(projects, projects.c.id == lanes.c.project_id).where(lanes.c.waiting > 0)
    )


_HEADS, _HEADS_FREE = _heads(skip_locked=False), _heads(skip_locked=True)
_HELD = Prepared(
    select(attempts.c.project_id, attempts.c.pool, func.count().label("count"))
    .where(ACTIVE)
    .group_by(attempts.c.project_id, attempts.c.pool)
)
_OVER = (
    select(attempts)
    .where(
        ACTIVE,
        attempts.c.state == "leased",
        or_(
            attempts.c.lease_until <= bindparam("now"),
            attempts.c.worker == bindparam("worker"),
        ),
    )
    .order_by(attempts.c.lease_until)
)
_ADOPTABLE, _ADOPTABLE_FREE = Prepared(_OVER), Prepared(_OVER.with_for_update(skip_locked=True))
_SEEN = Prepared(
    update(workers)
    .where(workers.c.name == bindparam("worker"))
    .values(
        {name: bindparam(name) for name in ("pools", "capabilities", "slots", "seen", "version")}
    )
    .returning(workers.c.paused)
)
_WAITS = Prepared(
    update(lanes)
    .where(lanes.c.id == bindparam("of"))
    .values(waiting=lanes.c.waiting + bindparam("change"))
)


class Head(NamedTuple):
    """The first attempt of a lane that nothing blocks, as the queue sees it."""

    attempt: str
    lane_id: int
    waiting: Waiting
    weight: float | None = None


def lane(tx: Transaction, project: str, pool: str, needs: Iterable[str]) -> int:
    """Return the id of a lane, which is made if it is new."""
    text = json.dumps(sorted(needs))
    where = and_(lanes.c.project_id == project, lanes.c.pool == pool, lanes.c.needs == text)
    found = tx.value(select(lanes.c.id).where(where))
    if found is None:
        row = {"project_id": project, "pool": pool, "needs": text}
        found = tx.execute(insert(lanes).returning(lanes.c.id), row).scalar_one()
    return int(found)


def waits(tx: Transaction, lane_id: int, change: int) -> None:
    """Count the attempts that wait in a lane up or down."""
    tx.run(_WAITS, {"of": lane_id, "change": change})


def heads(tx: Transaction, worker: queue.Worker) -> list[Head]:
    """Return the head of each lane *worker* serves."""
    return _served(worker, tx.all(_HEADS_FREE if tx.postgres else _HEADS))


def _served(worker: queue.Worker, rows: Iterable[Row]) -> list[Head]:
    found = []
    for row in rows:
        lane_ = Lane(row["project_id"], row["pool"], frozenset(json.loads(row["needs"])))
        if worker.serves(lane_):
            # The rank holds the priority already.
            waiting_ = Waiting(int(row["id"], 32), lane_, queued=row["rank"])
            found.append(Head(row["id"], row["lane_id"], waiting_, row["weight"]))
    return found


class Asking(NamedTuple):
    """What a worker finds when it asks: whether it is *paused*, what of others it may take over,
    how many attempts each project holds in each pool, and the *heads* of the lanes it serves.
    """

    paused: bool
    adoptable: Sequence[Row]
    held: dict[tuple[str, str], float]
    heads: list[Head]


def asks(
    tx: Transaction, worker: queue.Worker, version: str, holds: Iterable[str] | None = None
) -> Asking:
    """Note that *worker* asks for work.

    It may take over attempts whose worker went away before their runner had started; with *holds*,
    also what is leased to itself and not among these.
    """
    row = {
        "worker": worker.name,
        "pools": sorted(worker.pools),
        "capabilities": sorted(worker.capabilities),
        "slots": worker.slots,
        "seen": tx.now,
        "version": version,
    }
    forgotten = {"now": tx.now, "worker": "" if holds is None else worker.name}
    over, first = (_ADOPTABLE_FREE, _HEADS_FREE) if tx.postgres else (_ADOPTABLE, _HEADS)
    known, leased, shares, waiting = tx.ask(
        (_SEEN, row), (over, forgotten), (_HELD, NOTHING), (first, NOTHING)
    )
    if not known:
        tx.execute(insert(workers), {"name": row.pop("worker"), **row})
    mine = set(holds or ())
    return Asking(
        paused=bool(known and known[0]["paused"]),
        adoptable=[
            each for each in leased if each["pool"] in worker.pools and each["id"] not in mine
        ],
        held=_held(shares),
        heads=_served(worker, waiting),
    )


def held(tx: Transaction) -> dict[tuple[str, str], float]:
    """Return how many attempts each project holds in each pool."""
    return _held(tx.all(_HELD))


def _held(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    return {(row["project_id"], row["pool"]): float(row["count"]) for row in rows}


def known_workers(tx: Transaction, since: float) -> list[queue.Worker]:
    """Return the workers that were heard since *since*."""
    query = select(workers).where(workers.c.seen >= since).order_by(workers.c.name)
    return [
        queue.Worker(
            row["name"],
            frozenset(row["pools"]),
            frozenset(row["capabilities"]),
            row["slots"],
            row["paused"],
        )
        for row in tx.all(query)
    ]


def standing(tx: Transaction, row: Row, lane_row: Lane) -> queue.Standing:
    """Return what is known of the queue for the queued attempt *row*."""
    same = and_(attempts.c.pool == lane_row.pool, attempts.c.state == "queued")
    sooner = and_(same, attempts.c.project_id == lane_row.project, attempts.c.rank < row["rank"])
    before = tx.value(select(func.count()).select_from(attempts).where(sooner))
    counts = tx.execute(
        select(attempts.c.project_id, func.count()).where(same).group_by(attempts.c.project_id)
    )
    queued = {project: int(count) for project, count in counts}
    shares = {key[0]: int(n) for key, n in held(tx).items() if key[1] == lane_row.pool}
    others = [
        (count, shares.get(project, 0))
        for project, count in queued.items()
        if project != lane_row.project
    ]
    return queue.Standing(
        ahead=queue.ahead(int(before or 0), shares.get(lane_row.project, 0), others),
        queued=sum(queued.values()),
        busy=sum(shares.values()),
        typical=_typical(tx, lane_row.pool),
    )


def _typical(tx: Transaction, pool: str) -> float | None:
    recent = (
        select((attempts.c.since - attempts.c.started).label("took"))
        .where(
            attempts.c.pool == pool,
            attempts.c.state.in_(("succeeded", "failed")),
            attempts.c.started.is_not(None),
            attempts.c.since > tx.now - 7 * 86400,
        )
        .limit(200)
        .subquery()
    )
    found = tx.value(select(func.avg(recent.c.took)))
    return None if found is None else float(found)


def lane_of(tx: Transaction, lane_id: int) -> Lane | None:
    """Return the lane with this id."""
    row = tx.one(select(lanes).where(lanes.c.id == lane_id))
    if row is None:
        return None
    return Lane(row["project_id"], row["pool"], frozenset(json.loads(row["needs"])))


def holder(tx: Transaction, project: str, group: str, but: str) -> int | None:
    """Return the number of the oldest open run of a concurrency group beside *but*."""
    query = (
        select(runs.c.number)
        .where(
            runs.c.project_id == project,
            runs.c.group == group,
            runs.c.ended.is_(None),
            runs.c.id != but,
        )
        .order_by(runs.c.number)
        .limit(1)
    )
    found = tx.value(query)
    return None if found is None else int(found)


def waiting(tx: Transaction, limit: int = 200) -> list[Row]:
    """Return attempts that wait, those that are next first."""
    query = (
        select(attempts, projects.c.name.label("project"), runs.c.number.label("run_number"))
        .join_from(attempts, projects, attempts.c.project_id == projects.c.id)
        .join(runs, attempts.c.run_id == runs.c.id)
        .where(attempts.c.state == "queued")
        .order_by(attempts.c.rank, attempts.c.id)
        .limit(limit)
    )
    return tx.all(query)


def all_workers(tx: Transaction) -> list[Row]:
    """Return every worker, with how many attempts it holds."""
    held_by = (
        select(attempts.c.worker, func.count().label("held"))
        .where(ACTIVE)
        .group_by(attempts.c.worker)
        .subquery()
    )
    query = select(workers, func.coalesce(held_by.c.held, 0).label("held")).join_from(
        workers, held_by, workers.c.name == held_by.c.worker, isouter=True
    )
    return tx.all(query.order_by(workers.c.name))
