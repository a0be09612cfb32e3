"""Runs with their jobs and attempts as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, bindparam, insert, select, update

from steersman.core import handing_over, retries
from steersman.core.attempts import Attempt
from steersman.core.handing_over import Handed
from steersman.core.reports import CancelRequested, Reason
from steersman.core.runs import Job, Run, Verdict, job_states, run_state
from steersman.store import attempts as attempt_rows
from steersman.store.base import Asked, Row, Transaction
from steersman.store.prepared import Prepared, adding
from steersman.store.tables import attempts, jobs, projects, runs


class StoredRun(NamedTuple):
    """A run and its row, to which its *project* (a name) and *project_settings* are added.

    *jobs* are the rows of its jobs by name, *attempts* by their ids; *beside* are the rows that
    were asked for in the same journey.
    """

    row: Row
    jobs: dict[str, Row]
    attempts: dict[str, Row]
    run: Run
    beside: list[list[Row]]


_WANTED = bindparam("identity", type_=Text())


class _Loading(NamedTuple):
    """What a run is loaded by: itself with its project's name and settings, jobs, attempts."""

    run: Prepared
    jobs: Prepared
    attempts: Prepared


def _loading(run_id: ColumnElement[str], *, lock: bool) -> _Loading:
    about = (projects.c.name.label("project"), projects.c.settings.label("project_settings"))
    run = select(runs, *about).join_from(runs, projects).where(runs.c.id == run_id)
    tries = select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.number)
    if lock:
        run, tries = run.with_for_update(of=runs), tries.with_for_update()
    of_run = select(jobs).where(jobs.c.run_id == run_id).order_by(jobs.c.position)
    return _Loading(Prepared(run), Prepared(of_run), Prepared(tries))


_ID_OF_ATTEMPT = select(attempts.c.run_id).where(attempts.c.id == _WANTED).scalar_subquery()
_BY_ID, _BY_ID_LOCKED = _loading(_WANTED, lock=False), _loading(_WANTED, lock=True)
_OF_ATTEMPT = _loading(_ID_OF_ATTEMPT, lock=False)
_OF_ATTEMPT_LOCKED = _loading(_ID_OF_ATTEMPT, lock=True)
_SAVE_JOB = Prepared(
    update(jobs)
    .where(jobs.c.run_id == _WANTED, jobs.c.name == bindparam("job"))
    .values(state=bindparam("state"), changes=bindparam("changes"))
)
_CHANGING = ("state", "cancelled", "limit", "began", "ended")
_SAVE_RUN = Prepared(
    update(runs)
    .where(runs.c.id == _WANTED)
    .values({name: bindparam(name) for name in _CHANGING} | {"version": runs.c.version + 1})
)
_NEW_JOB = (
    "run_id", "name", "position", "pipeline", "state", "facts", "changes", "pool", "needs",
)  # fmt: skip
_ADD_JOB = adding(jobs, *_NEW_JOB)


def load(tx: Transaction, run_id: str, *, lock: bool = False) -> StoredRun | None:
    """Return a run; with *lock* nobody else changes it or its attempts meanwhile."""
    return _load(tx, _BY_ID_LOCKED if lock and tx.postgres else _BY_ID, run_id)


def load_of_attempt(
    tx: Transaction, attempt_id: str, beside: Iterable[Asked] = ()
) -> StoredRun | None:
    """Return the run of an attempt, locked together with all its attempts."""
    return _load(tx, _OF_ATTEMPT_LOCKED if tx.postgres else _OF_ATTEMPT, attempt_id, beside)


def _load(
    tx: Transaction, loading: _Loading, identity: str, beside: Iterable[Asked] = ()
) -> StoredRun | None:
    wanted = {"identity": identity}
    asked = [(statement, wanted) for statement in loading]
    found, rows, try_rows, *others = tx.ask(*asked, *beside)
    if not found:
        return None
    tries: dict[str, list[Attempt]] = {}
    for each in try_rows:
        tries.setdefault(each["job"], []).append(attempt_rows.attempt(each))
    job_rows = tuple(_job(each, tuple(tries.get(each["name"], ()))) for each in rows)
    by_id = {each["id"]: each for each in try_rows}
    by_name = {each["name"]: each for each in rows}
    return StoredRun(found[0], by_name, by_id, _run(found[0], job_rows), others)


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
    """Where a job may run, and what of the run its source is; the commit if nothing is."""

    pool: str
    needs: tuple[str, ...]
    source: Handed = Handed()


def add(tx: Transaction, run: Run, row: dict[str, Any], places: dict[str, Placed]) -> None:
    """Add a run; *row* holds the columns that `Run` does not know."""
    tx.execute(
        insert(runs),
        {**row, "id": run.id, "created": run.created, "limit": run.limit, "state": run_state(run)},
    )
    states = job_states(run)
    for position, job in enumerate(run.jobs):
        place = places[job.name]
        tx.run(
            _ADD_JOB,
            {
                "run_id": run.id,
                "name": job.name,
                "position": position,
                "pipeline": job.pipeline,
                "state": states[job.name],
                "facts": facts(job) | handing_over.facts(place.source),
                "changes": _changes(job),
                "pool": place.pool,
                "needs": list(place.needs),
            },
        )


def add_broken(tx: Transaction, run: Run, row: dict[str, Any], state: str) -> None:
    """Add a run without jobs that has ended before it began."""
    tx.execute(insert(runs), {**row, "id": run.id, "created": run.created, "state": state})


def save(tx: Transaction, stored: StoredRun, after: Run) -> list[tuple[str, str]]:
    """Write what changed of a run and its jobs, not its attempts.

    Returns what now is in another state: (job, state), with an empty job for the run itself.
    """
    before = stored.run
    old_states, states = job_states(before), job_states(after)
    changed: list[tuple[str, str]] = []
    for old, new in zip(before.jobs, after.jobs, strict=True):
        state, changes = states[new.name], _changes(new)
        if state is not old_states[old.name]:
            changed.append((new.name, state))
        elif changes == _changes(old):
            continue
        values = {"state": state.value, "changes": changes}
        tx.run(_SAVE_JOB, {"identity": after.id, "job": new.name, **values})
    changed += _save_run(tx, stored, after)
    return changed


def _save_run(tx: Transaction, stored: StoredRun, after: Run) -> list[tuple[str, str]]:
    state, was, row = run_state(after), run_state(stored.run), stored.row
    cancelled = list(after.cancelled) if after.cancelled else None
    moved = state is not was
    if moved or cancelled != row["cancelled"] or after.limit != row["limit"]:
        values = {
            "state": state.value if moved else row["state"],
            "cancelled": cancelled,
            "limit": after.limit,
            "began": tx.now if moved and state.value == "running" else row["began"],
            "ended": (tx.now if state.is_final else None) if moved else row["ended"],
        }
        tx.run(_SAVE_RUN, {"identity": after.id, **values})
    return [("", state.value)] if moved else []
