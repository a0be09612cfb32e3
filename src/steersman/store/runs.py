"""Runs with their jobs and attempts as rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, insert, select, update

from steersman.core import retries
from steersman.core.attempts import Attempt
from steersman.core.reports import CancelRequested, Reason
from steersman.core.runs import Job, Run, Verdict, job_states, run_state
from steersman.store import attempts as attempt_rows
from steersman.store.base import Row, Transaction
from steersman.store.tables import attempts, jobs, runs


class StoredRun(NamedTuple):
    """A run and its row; *jobs* are the rows of its jobs by name."""

    row: Row
    jobs: dict[str, Row]
    run: Run


_WANTED = bindparam("identity", type_=Text())
# Made once: building a statement costs more than running it.
_BY_ID = select(runs).where(runs.c.id == _WANTED)
_LOCKED = _BY_ID.with_for_update()
_OF_ATTEMPT = select(runs).where(
    runs.c.id == select(attempts.c.run_id).where(attempts.c.id == _WANTED).scalar_subquery()
)
_LOCKED_OF_ATTEMPT = _OF_ATTEMPT.with_for_update()
_JOBS = select(jobs).where(jobs.c.run_id == _WANTED).order_by(jobs.c.position)
_ATTEMPTS = select(attempts).where(attempts.c.run_id == _WANTED).order_by(attempts.c.number)


def load(tx: Transaction, run_id: str, *, lock: bool = False) -> StoredRun | None:
    """Return a run; with *lock* nobody else changes it meanwhile."""
    row = tx.one(_LOCKED if lock and tx.postgres else _BY_ID, {"identity": run_id})
    return None if row is None else _stored(tx, row)


def load_of_attempt(tx: Transaction, attempt_id: str) -> StoredRun | None:
    """Return the run of an attempt, locked."""
    row = tx.one(_LOCKED_OF_ATTEMPT if tx.postgres else _OF_ATTEMPT, {"identity": attempt_id})
    return None if row is None else _stored(tx, row)


def _stored(tx: Transaction, row: Row) -> StoredRun:
    rows = tx.all(_JOBS, {"identity": row["id"]})
    tries: dict[str, list[Attempt]] = {}
    for each in tx.all(_ATTEMPTS, {"identity": row["id"]}):
        tries.setdefault(each["job"], []).append(attempt_rows.attempt(each))
    found = tuple(_job(each, tuple(tries.get(each["name"], ()))) for each in rows)
    return StoredRun(row, {each["name"]: each for each in rows}, _run(row, found))


def _run(row: Row, found: tuple[Job, ...]) -> Run:
    cancelled = row["cancelled"]
    return Run(
        id=row["id"],
        jobs=found,
        created=row["created"],
        limit=row["limit"],
        cancelled=CancelRequested(Reason(cancelled[0]), cancelled[1]) if cancelled else None,
    )


def _job(row: Row, tries: tuple[Attempt, ...]) -> Job:
    facts, changes = row["facts"], row["changes"] or {}
    verdict = changes.get("verdict")
    return Job(
        name=row["name"],
        pipeline=row["pipeline"],
        needs=tuple(facts["needs"]),
        policy=retries.Policy(*facts["policy"]),
        limit=facts["limit"],
        allow_failure=facts["allow_failure"],
        approve=facts["approve"],
        approvers=tuple(facts["approvers"]),
        unwanted=facts["unwanted"],
        asked=changes.get("asked"),
        verdict=Verdict(*verdict) if verdict else None,
        skipped=changes.get("skipped", ""),
        demanded=changes.get("demanded", 0),
        attempts=tries,
    )


def facts(job: Job) -> dict[str, Any]:
    """Return what never changes of *job*."""
    return {
        "needs": list(job.needs),
        "policy": list(job.policy),
        "limit": job.limit,
        "allow_failure": job.allow_failure,
        "approve": job.approve,
        "approvers": list(job.approvers),
        "unwanted": job.unwanted,
    }


def _changes(job: Job) -> dict[str, Any]:
    return {
        "asked": job.asked,
        "verdict": list(job.verdict) if job.verdict else None,
        "skipped": job.skipped,
        "demanded": job.demanded,
    }


class Placed(NamedTuple):
    """Where a job may run, and what of the run its source is."""

    pool: str
    needs: tuple[str, ...]
    source: str = ""


def add(tx: Transaction, run: Run, row: dict[str, Any], places: dict[str, Placed]) -> None:
    """Add a run; *row* holds the columns that `Run` does not know."""
    tx.execute(
        insert(runs),
        {**row, "id": run.id, "created": run.created, "limit": run.limit, "state": run_state(run)},
    )
    states = job_states(run)
    for position, job in enumerate(run.jobs):
        place = places[job.name]
        more = {"source": place.source}
        tx.execute(
            insert(jobs),
            {
                "run_id": run.id,
                "name": job.name,
                "position": position,
                "pipeline": job.pipeline,
                "state": states[job.name],
                "facts": facts(job) | more,
                "changes": _changes(job),
                "pool": place.pool,
                "needs": list(place.needs),
            },
        )


def add_broken(tx: Transaction, run: Run, row: dict[str, Any], state: str) -> None:
    """Add a run without jobs that has ended before it began."""
    tx.execute(insert(runs), {**row, "id": run.id, "created": run.created, "state": state})


def save(tx: Transaction, before: Run, after: Run) -> list[tuple[str, str]]:
    """Write what changed of a run and its jobs, not its attempts.

    Returns what now is in another state: (job, state), with an empty job for the run itself.
    """
    old_states, states = job_states(before), job_states(after)
    changed: list[tuple[str, str]] = []
    for old, new in zip(before.jobs, after.jobs, strict=True):
        columns: dict[str, Any] = {}
        if _changes(old) != _changes(new):
            columns["changes"] = _changes(new)
        if old_states[old.name] is not states[new.name]:
            columns["state"] = states[new.name].value
            changed.append((new.name, states[new.name]))
        if columns:
            which = (jobs.c.run_id == after.id, jobs.c.name == new.name)
            tx.execute(update(jobs).where(*which).values(**columns))
    changed += _save_run(tx, before, after)
    return changed


def _save_run(tx: Transaction, before: Run, after: Run) -> list[tuple[str, str]]:
    state, was = run_state(after), run_state(before)
    columns: dict[str, Any] = {}
    if before.cancelled != after.cancelled:
        columns["cancelled"] = list(after.cancelled) if after.cancelled else None
    if before.limit != after.limit:
        columns["limit"] = after.limit
    if state is not was:
        columns |= {"state": state.value, "ended": tx.now if state.is_final else None}
    if state is not was and state.value == "running":
        columns["began"] = tx.now
    if columns:
        columns["version"] = runs.c.version + 1
        tx.execute(update(runs).where(runs.c.id == after.id).values(**columns))
    return [("", state.value)] if state is not was else []
