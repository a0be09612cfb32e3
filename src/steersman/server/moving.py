"""Carries out the plan of a run: the only place that makes attempts and changes their state.

Everything here happens in the transaction it is given: load, decide in `core`, write what came of
it, and say what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import and_, select, update

from steersman.core import attempts, concurrency, deadlines, queue, run_changes, runs
from steersman.core.attempts import Attempt
from steersman.core.reports import CancelRequested, Reason
from steersman.core.runs import Action, Run
from steersman.store import attempts as attempt_rows
from steersman.store import events, logs, queueing
from steersman.store import runs as run_rows
from steersman.store.base import Transaction
from steersman.store.runs import StoredRun
from steersman.store.tables import attempts as attempt_table
from steersman.store.tables import runs as run_table

QUEUE = "queue"
"""The topic of workers that wait."""
Told = Callable[[Transaction, StoredRun, Run, list[tuple[str, str]]], None]


def attempt_topic(identity: str) -> str:
    """Return the topic of a runner that waits for orders."""
    return f"attempt:{identity}"


class Rules(NamedTuple):
    """What moving a run needs beside its rows. *told* hears of each state that changed."""

    new_id: Callable[[], str]
    deadlines: deadlines.Policy = deadlines.DEFAULT
    told: Told = lambda tx, stored, run, changed: None


def move_on(tx: Transaction, stored: StoredRun, run: Run, rules: Rules) -> Run:
    """Plan *run*, which is *stored* with changes, and carry the plan out; return it as it is."""
    for action in runs.plan(run, tx.now):
        run = _carry_out(tx, stored, run, action, rules)
    changed = run_rows.save(tx, stored, run)
    for job, state in changed:
        kind = "job" if job else "run"
        _say(tx, stored, kind, job=job or None, state=state)
    if changed:
        rules.told(tx, stored, run, changed)
    if stored.row["group"] and any(not job for job, _ in changed):
        settle_group(tx, stored.row["project_id"], stored.row["group"], rules)
    return run


def _carry_out(tx: Transaction, stored: StoredRun, run: Run, action: Action, rules: Rules) -> Run:
    after = run_changes.apply(run, action, now=tx.now, new_id=rules.new_id())
    match action:
        case runs.Enqueue(job, number):
            made = _attempt(after, job, number)
            if made is not None and _attempt(run, job, number) is None:
                _enqueue(tx, stored, made)
        case runs.Cancel(job, number, _):
            old, new = _attempt(run, job, number), _attempt(after, job, number)
            if old is not None and new is not None and new is not old:
                write(tx, stored, old, new, rules)
        case runs.AskApproval(job, approvers):
            _say(tx, stored, "approval", job=job, approvers=list(approvers))
        case runs.Skip(job, why):
            _say(tx, stored, "skipped", job=job, why=why)
        case runs.Decline(job):
            _say(tx, stored, "declined", job=job)
        case runs.CancelRun(request):
            _say(tx, stored, "cancelling", message=request.message)
    return after


def _attempt(run: Run, job: str, number: int) -> Attempt | None:
    found = next((each for each in run.jobs if each.name == job), None)
    if found is None:
        return None
    return next((each for each in found.attempts if each.number == number), None)


def _enqueue(tx: Transaction, stored: StoredRun, made: Attempt) -> None:
    row, job = stored.row, stored.jobs[made.job]
    lane = queueing.lane(tx, row["project_id"], job["pool"], job["needs"])
    place = queue.Waiting(0, queue.Lane(row["project_id"], job["pool"]), made.queued)
    attempt_rows.add(
        tx,
        made,
        {
            "run_id": row["id"],
            "project_id": row["project_id"],
            "lane": lane,
            "rank": place._replace(priority=row["priority"]).rank,
            "blocked": bool(row["group"]) and not _has_turn(tx, stored),
            "pool": job["pool"],
        },
    )
    queueing.waits(tx, lane, +1)
    _say(tx, stored, "attempt", job=made.job, attempt=made.id, state="queued", number=made.number)
    tx.wake(QUEUE)


def write(tx: Transaction, stored: StoredRun, old: Attempt, new: Attempt, rules: Rules) -> None:
    """Write an attempt that changed, count it in its lane and say so."""
    attempt_rows.save(tx, new, rules.deadlines)
    if old.state is new.state:
        return
    change = (new.state is attempts.State.QUEUED) - (old.state is attempts.State.QUEUED)
    if change:
        queueing.waits(tx, int(stored.attempts[new.id]["lane"]), change)
        if change > 0:
            tx.wake(QUEUE)
    if new.state is attempts.State.CANCELLING or new.state.is_final:
        tx.wake(attempt_topic(new.id))
        # A slot, or a turn, may be free now.
        tx.wake(QUEUE)
    if new.state.is_final:
        tx.wake(logs.topic(new.id))  # its log is closed by now
    _say(
        tx,
        stored,
        "attempt",
        job=new.job,
        attempt=new.id,
        state=new.state,
        number=new.number,
        reason=new.reason,
        message=new.message,
        worker=new.lease.worker if new.lease else None,
    )


def _say(
    tx: Transaction,
    stored: StoredRun,
    kind: str,
    *,
    job: str | None = None,
    attempt: str | None = None,
    **data: object,
) -> None:
    row = stored.row
    events.add(tx, kind, project=row["project_id"], run=row["id"], job=job, attempt=attempt, **data)


def _has_turn(tx: Transaction, stored: StoredRun) -> bool:
    row = stored.row
    mine: bool = _turn(tx, row["project_id"], row["group"]).admitted == row["id"]
    return mine


def _members(tx: Transaction, project: str, group: str) -> list[concurrency.Member]:
    """Return the runs of a group that have not ended."""
    begun = (
        select(attempt_table.c.id)
        .where(attempt_table.c.run_id == run_table.c.id, attempt_table.c.leases > 0)
        .exists()
    )
    query = select(run_table, begun.label("begun")).where(
        run_table.c.project_id == project,
        run_table.c.group == group,
        run_table.c.ended.is_(None),
    )
    return [
        concurrency.Member(
            row["id"],
            row["number"],
            active=row["begun"],
            cancelling=row["cancelled"] is not None,
            cancels=row["cancels"],
        )
        for row in tx.all(query)
    ]


def _turn(tx: Transaction, project: str, group: str) -> concurrency.Turn:
    return concurrency.turn(_members(tx, project, group))


def settle_group(tx: Transaction, project: str, group: str, rules: Rules) -> None:
    """Let the run whose turn it is go on, and end those that a newer one replaces."""
    turn = _turn(tx, project, group)
    queued = and_(attempt_table.c.state == "queued", attempt_table.c.project_id == project)
    of_group = select(run_table.c.id).where(
        run_table.c.project_id == project, run_table.c.group == group
    )
    for blocked, which in (
        (False, attempt_table.c.run_id == (turn.admitted or "")),
        (True, attempt_table.c.run_id != (turn.admitted or "")),
    ):
        tx.execute(
            update(attempt_table)
            .where(queued, attempt_table.c.run_id.in_(of_group), which)
            .values(blocked=blocked)
        )
    tx.wake(QUEUE)
    for run_id in turn.cancel:
        request = CancelRequested(Reason.SUPERSEDED, "a newer run of its group replaces it")
        cancel(tx, run_id, request, rules)


def cancel(tx: Transaction, run_id: str, request: CancelRequested, rules: Rules) -> bool:
    """Ask for the end of a run; False when there is none, or it has ended."""
    stored = run_rows.load(tx, run_id, lock=True)
    if stored is None:
        return False
    after = run_changes.cancel(stored.run, reason=request.reason, message=request.message)
    if after is stored.run:
        return False
    move_on(tx, stored, after, rules)
    return True


def start(tx: Transaction, stored: StoredRun, rules: Rules) -> Run:
    """Let a run that was just added begin."""
    run = move_on(tx, stored, stored.run, rules)
    if stored.row["group"]:
        settle_group(tx, stored.row["project_id"], stored.row["group"], rules)
    return run
