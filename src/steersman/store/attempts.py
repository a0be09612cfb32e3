"""Attempts as rows: read, written, and found by what is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update

from steersman.core import deadlines, leases
from steersman.core.attempts import Attempt, Doubt, State
from steersman.core.leases import Lease
from steersman.core.reports import Note, known_reason
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared, adding
from steersman.store.tables import attempts, workers

_HELD = ("leased", "running", "cancelling")


_WANTED = select(attempts).where(attempts.c.id == bindparam("identity"))
_BY_ID = Prepared(_WANTED)
_LOCKED = Prepared(_WANTED.with_for_update())
_CHANGING = (
    "state", "since", "worker", "lease", "lease_until", "leases", "placed", "runner", "started",
    "heard", "doubt", "reason", "message", "node", "notes", "due", "log_closed",
)  # fmt: skip
_SAVE = Prepared(
    update(attempts)
    .where(attempts.c.id == bindparam("identity"))
    .values({name: bindparam(name) for name in _CHANGING})
)
_ADD = adding(
    attempts, "id", "job", "number", "queued", "limit", *_CHANGING,
    "run_id", "project_id", "lane", "rank", "blocked", "pool",
)  # fmt: skip


def load(tx: Transaction, identity: str, *, lock: bool = False) -> Row | None:
    """Return the row of an attempt; with *lock* nobody else changes it meanwhile."""
    return tx.one(_LOCKED if lock and tx.postgres else _BY_ID, {"identity": identity})


def attempt(row: Row) -> Attempt:
    """Return the attempt that *row* holds."""
    lease = None
    if row["worker"] is not None:
        lease = Lease(row["worker"], row["lease"], row["lease_until"])
    doubt = row["doubt"]
    return Attempt(
        id=row["id"],
        job=row["job"],
        number=row["number"],
        queued=row["queued"],
        state=State(row["state"]),
        since=row["since"],
        lease=lease,
        leases=row["leases"],
        placed=row["placed"],
        runner=row["runner"],
        started=row["started"],
        heard=row["heard"],
        doubt=Doubt(known_reason(doubt[0]), *doubt[1:]) if doubt else None,
        limit=row["limit"],
        reason=known_reason(row["reason"]) if row["reason"] else None,
        message=row["message"],
        node=row["node"],
        notes=tuple(Note(*each) for each in row["notes"] or ()),
    )


def values(item: Attempt, policy: deadlines.Policy = deadlines.DEFAULT) -> dict[str, Any]:
    """Return the columns of *item*; *due* is when it ends unless something is heard."""
    lease, due = item.lease, deadlines.deadline(item, policy)
    return {
        "state": item.state.value,
        "since": item.since,
        "worker": lease and lease.worker,
        "lease": lease.number if lease else 0,
        "lease_until": lease and lease.until,
        "leases": item.leases,
        "placed": item.placed,
        "runner": item.runner,
        "started": item.started,
        "heard": item.heard,
        "doubt": list(item.doubt) if item.doubt else None,
        "reason": item.reason and item.reason.value,
        "message": item.message,
        "node": item.node,
        "notes": [list(each) for each in item.notes] or None,
        "due": due and due.at,
        "log_closed": item.state.is_final,
    }


def save(tx: Transaction, item: Attempt, policy: deadlines.Policy = deadlines.DEFAULT) -> None:
    """Write *item* over its row."""
    tx.run(_SAVE, {"identity": item.id, **values(item, policy)})


def add(tx: Transaction, item: Attempt, place: dict[str, Any]) -> None:
    """Add *item*; *place* says where it belongs: run_id, project_id, lane, rank, blocked, pool."""
    row = {"id": item.id, "job": item.job, "number": item.number, "queued": item.queued}
    tx.run(_ADD, {**row, "limit": item.limit, **values(item), **place})


def last_start(tx: Transaction, node: str) -> float | None:
    """Return when a runner last started on *node*."""
    found = tx.value(select(func.max(attempts.c.started)).where(attempts.c.node == node))
    return None if found is None else float(found)


def set_back(tx: Transaction) -> None:
    """Let nothing be noted later than now, after a clock that was ahead has jumped back.

    Otherwise whoever is silent from here on would be waited for until that time comes again.
    """
    held = tx.now + leases.SECONDS
    mine = [attempts.c[name] for name in ("since", "placed", "started", "heard", "due")]
    for column, latest in [*((each, tx.now) for each in mine), (attempts.c.lease_until, held)]:
        late = update(attempts).where(attempts.c.state.in_(_HELD), column > latest)
        tx.execute(late.values({column.name: latest}))
    tx.execute(update(workers).where(workers.c.seen > tx.now).values(seen=tx.now))


def due(tx: Transaction, now: float, limit: int = 200) -> Sequence[str]:
    """Return the ids of attempts whose deadline is past, the longest overdue first."""
    query = select(attempts.c.id).where(attempts.c.due <= now).order_by(attempts.c.due)
    return [row["id"] for row in tx.all(query.limit(limit))]
