"""The queue: what workers and runners report, and what people ask, each in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from sqlalchemy import select, update

from steersman.core import attempts, deadlines, leases, queue, run_changes, runs
from steersman.core.attempts import Attempt, Hearing
from steersman.core.errors import NotFound
from steersman.core.reports import (
    Adopted,
    CancelRequested,
    Event,
    Heartbeat,
    Leased,
    Reason,
    Renewed,
)
from steersman.server import listening, moving
from steersman.server.moving import Rules
from steersman.store import attempts as attempt_rows
from steersman.store import queueing
from steersman.store import runs as run_rows
from steersman.store.base import Asked, Row, Transaction
from steersman.store.sql import Store
from steersman.store.tables import attempts as attempt_table
from steersman.store.tables import runs as run_table
from steersman.store.tables import workers

_LIGHT = (Heartbeat, Renewed)


class Grant(NamedTuple):
    """An attempt a worker was given."""

    attempt: Attempt
    run_id: str
    project_id: str
    pool: str
    adopted: bool = False


class Asks(NamedTuple):
    """What a worker tells beside: its version, and what it *holds* (None: it does not say)."""

    version: str = ""
    holds: tuple[str, ...] | None = None


SAYS_NOTHING = Asks()


class Heard(NamedTuple):
    """What a report was to its attempt, the attempt afterwards, and its run where that was read."""

    hearing: Hearing
    attempt: Attempt
    stored: run_rows.StoredRun | None = None


class Queue:
    """The shell round the decisions of `core`."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store = store
        self.rules = rules

    async def lease(
        self, worker: queue.Worker, take: int, wait: float, asks: Asks = SAYS_NOTHING
    ) -> list[Grant]:
        """Give *worker* up to *take* attempts; wait at most *wait* seconds for a first one."""
        woken = asyncio.Event()
        stop = self.store.waking.listen(moving.QUEUE, woken.set)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        try:
            while True:
                woken.clear()
                found = await self.store.write(lambda tx: self._lease(tx, worker, take, asks))
                left = deadline - loop.time()
                if found or left <= 0 or self.store.waking.closed:
                    return found
                # Leases of others end without anybody saying so.
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, leases.RENEW_EVERY)):
                        await woken.wait()
        finally:
            stop()

    def _lease(self, tx: Transaction, worker: queue.Worker, take: int, asks: Asks) -> list[Grant]:
        there = queueing.asks(tx, worker, asks.version, asks.holds)
        granted = [self._adopt_row(tx, row, worker.name) for row in there.adoptable[:take]]
        if there.paused:
            return granted
        found = there.heads
        while len(granted) < take:
            grant = self._next(tx, worker, there.held, found)
            if grant is None:
                break
            granted.append(grant)
            found = queueing.heads(tx, worker) if len(granted) < take else []
        return granted

    def _next(
        self,
        tx: Transaction,
        worker: queue.Worker,
        held: dict[tuple[str, str], float],
        found: list[queueing.Head],
    ) -> Grant | None:
        heads = {head.waiting.id: head for head in found}
        waiting = [head.waiting for head in heads.values()]
        weights = {each.waiting.lane.project: each.weight for each in heads.values() if each.weight}
        chosen = queue.choose(waiting, worker, held, weights)
        if chosen is None:
            return None
        stored = run_rows.load_of_attempt(tx, heads[chosen.id].attempt)
        if stored is None:
            return None
        row = stored.attempts[heads[chosen.id].attempt]
        old = attempt_rows.attempt(row)
        lease = leases.grant(worker.name, after=old.leases, now=tx.now)
        new = attempts.advance(old, Leased(lease.number, lease.worker, lease.until), tx.now)
        self._put(tx, stored, old, new)
        key = (chosen.lane.project, chosen.lane.pool)
        held[key] = held.get(key, 0) + 1
        return Grant(new, row["run_id"], row["project_id"], row["pool"])

    def _adopt_row(self, tx: Transaction, row: Row, worker: str) -> Grant:
        grant = self._adopt(tx, row["id"], worker)
        assert grant is not None  # noqa: S101 - the row is locked, and its lease has ended
        return grant

    def _adopt(self, tx: Transaction, identity: str, worker: str) -> Grant | None:
        """Give *worker* an attempt that another held; None where that may not be."""
        row = attempt_rows.load(tx, identity, lock=True)
        if row is None:
            return None
        old = attempt_rows.attempt(row)
        if old.lease is None or old.state.is_final:
            return None
        gone = self._is_gone(tx, old.lease.worker)
        started = old.runner is not None
        if not leases.may_adopt(old.lease, worker, tx.now, started=started, holder_gone=gone):
            return None
        lease = leases.grant(worker, after=old.leases, now=tx.now)
        new = attempts.advance(old, Adopted(lease.number, worker, lease.until), tx.now)
        attempt_rows.save(tx, new, self.rules.deadlines)
        return Grant(new, row["run_id"], row["project_id"], row["pool"], adopted=True)

    def _is_gone(self, tx: Transaction, worker: str) -> bool:
        """Tell whether a worker asked for nothing for two leases, while we were listening."""
        seen = tx.value(select(workers.c.seen).where(workers.c.name == worker))
        if seen is None:
            return True
        return bool(max(seen, listening.listening_since(tx)) < tx.now - 2 * leases.SECONDS)

    async def adopt(self, identity: str, worker: str) -> Grant | None:
        """Let *worker* take over an attempt whose runner it found."""
        return await self.store.write(lambda tx: self._adopt(tx, identity, worker))

    async def report(self, identity: str, event: Event) -> Heard:
        """Take one report on an attempt, and let its run move on if that changes it."""
        return await self.store.write(lambda tx: self.hear(tx, identity, event))

    def hear(self, tx: Transaction, identity: str, event: Event) -> Heard:
        """Take one report in the transaction *tx*; `NotFound` for an attempt nobody knows."""
        light = isinstance(event, _LIGHT)
        return self.hear_of(tx, identity, lambda row: event, light=light)

    def hear_of(
        self,
        tx: Transaction,
        identity: str,
        tell: Callable[[Row], Event],
        *,
        light: bool,
        beside: Iterable[Asked] = (),
    ) -> Heard:
        """Take what *tell* makes of the attempt's row; *light*: its run has no part in it.

        What is asked for *beside* is found with the run.
        """
        stored = None if light else run_rows.load_of_attempt(tx, identity, beside)
        if stored is not None:
            row: Row | None = stored.attempts[identity]
        else:
            row = attempt_rows.load(tx, identity, lock=True)
        if row is None:
            raise NotFound(f"there is no attempt {identity[:40]}")
        event = tell(row)
        old = attempt_rows.attempt(row)
        hearing = attempts.hear(old, event)
        new = attempts.advance(old, event, tx.now)
        if new is old:
            return Heard(hearing, old, stored)
        if new.state is old.state:
            attempt_rows.save(tx, new, self.rules.deadlines)
            return Heard(hearing, new)
        stored = stored or run_rows.load_of_attempt(tx, identity)
        if stored is not None:
            self._put(tx, stored, old, new)
        return Heard(hearing, new, stored)

    def _put(self, tx: Transaction, stored: run_rows.StoredRun, old: Attempt, new: Attempt) -> None:
        moving.write(tx, stored, old, new, self.rules)
        run = run_changes.report(stored.run, new.job, new)
        moving.move_on(tx, stored, run, self.rules)

    async def expire(self) -> int:
        """End what is past its deadline; return how many attempts and runs that were."""
        since = await self.store.write(listening.listening_since)
        due = await self.store.read(lambda tx: attempt_rows.due(tx, tx.now))
        ended = 0
        for identity in due:
            ended += await self.store.write(partial(self._expire, identity=identity, since=since))
        return ended

    def _expire(self, tx: Transaction, identity: str, since: float) -> bool:
        stored = run_rows.load_of_attempt(tx, identity)
        if stored is None:
            return False
        old = attempt_rows.attempt(stored.attempts[identity])
        if old.state is attempts.State.LEASED and old.node:
            old = deadlines.node_was_busy(old, attempt_rows.last_start(tx, old.node))
        new = deadlines.expire(old, tx.now, since, self.rules.deadlines)
        if new is old:
            self._postpone(tx, old, since)
            return False
        self._put(tx, stored, old, new)
        return True

    def _postpone(self, tx: Transaction, item: Attempt, since: float) -> None:
        """Look again when the grace after our own absence is over."""
        due = deadlines.due(item, since, self.rules.deadlines)
        tx.execute(update(attempt_table).where(attempt_table.c.id == item.id).values(due=due))

    async def sweep_runs(self) -> None:
        """Move on runs that wait for time: overdue ones, and approvals nobody gave."""
        query = select(run_table.c.id).where(
            run_table.c.ended.is_(None),
            (run_table.c.limit.is_not(None)) | (run_table.c.state == runs.State.APPROVAL),
        )
        for row in await self.store.read(lambda tx: tx.all(query)):
            await self.store.write(partial(self._change, run_id=row["id"], change=_as_it_is))

    async def cancel(self, run_id: str, by: str) -> bool:
        """Ask for the end of a run; False when it has ended already."""
        request = CancelRequested(Reason.REQUESTED, f"cancelled by {by}")
        return await self.store.write(lambda tx: moving.cancel(tx, run_id, request, self.rules))

    async def retry(self, run_id: str, job: str) -> bool:
        """Ask for another attempt of a job; False where it succeeded or still runs."""
        return await self.store.write(
            lambda tx: self._change(tx, run_id, lambda run, now: run_changes.retry(run, job))
        )

    async def decide(self, run_id: str, job: str, *, approved: bool, by: str) -> bool:
        """Approve or decline a job; False where nobody waits for that."""

        def change(run: runs.Run, now: float) -> runs.Run:
            return run_changes.decide(run, job, approved=approved, by=by, now=now)

        return await self.store.write(lambda tx: self._change(tx, run_id, change))

    def _change(
        self, tx: Transaction, run_id: str, change: Callable[[runs.Run, float], runs.Run]
    ) -> bool:
        stored = run_rows.load(tx, run_id, lock=True)
        if stored is None:
            raise NotFound(f"there is no run {run_id}")
        changed = change(stored.run, tx.now)
        moving.move_on(tx, stored, changed, self.rules)
        return changed is not stored.run


def _as_it_is(run: runs.Run, now: float) -> runs.Run:
    return run
