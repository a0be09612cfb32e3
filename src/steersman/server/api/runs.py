"""Runs, their jobs and attempts, and what people do about them."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Query, Request, Response
from pydantic import with_config
from sqlalchemy import ColumnElement, select, update
from typing_extensions import TypedDict

from steersman.core import concurrency, queue, runs
from steersman.core.errors import Conflict, Forbidden, NotFound
from steersman.core.permissions import Action
from steersman.server import access, auditing, holds, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, page, place
from steersman.server.checked import STRICT
from steersman.server.platform import Platform
from steersman.store import keeping_lists, listing, queueing
from steersman.store import projects as project_rows
from steersman.store import runs as run_rows
from steersman.store import steps as step_rows
from steersman.store.base import Row, Transaction
from steersman.store.tables import runs as run_table
from steersman.store.tables import triggers

router = APIRouter(tags=["runs"])
WORKER_SEEN = 60.0


@with_config(STRICT)
class JobName(TypedDict):
    """A job of the run."""

    job: str


@with_config(STRICT)
class JobNames(TypedDict):
    """Jobs of the run; all that ended without success when none is named.

    *hold* is for how many seconds the box of one that fails again is held.
    """

    jobs: NotRequired[list[str]]
    hold: NotRequired[int]


@router.get("/runs")
async def list_runs(
    request: Request,
    parts: Parts,
    who: Who,
    project: str | None = None,
    branch: str | None = None,
    state: str | None = None,
    name: str | None = None,
    commit: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List runs, newest first."""
    where: list[ColumnElement[bool]] = []
    if project is not None:
        row = await access.project(parts, who, project, Action.SEE)
        where.append(run_table.c.project_id == row["id"])
    for column, value in (("branch", branch), ("state", state), ("name", name)):
        if value is not None:
            where.append(run_table.c[column] == value)
    if commit is not None:
        where.append(run_table.c.commit.startswith(commit, autoescape=True))
    before = place(cursor)
    found = await parts.store.read(
        lambda tx: listing.runs_page(tx, views.viewer(who), where, before, limit)
    )
    return page(request, found, [views.run(row) for row in found], limit, "id")


async def run_of(parts: Platform, who: Caller, identity: str, action: Action) -> Row:
    """Return a run in whose project *who* may do *action*."""
    row = await parts.store.read(lambda tx: listing.run(tx, views.viewer(who), identity))
    if row is None:
        raise NotFound(f"there is no run {identity[:100]}")
    await access.project(parts, who, row["project_id"], action)
    return row


@router.get("/runs/{identity:path}/file")
async def show_file(identity: str, parts: Parts, who: Who) -> Response:
    """Return the pipeline file the run was planned from."""
    row = await run_of(parts, who, identity, Action.SEE)
    text = await parts.store.read(lambda tx: project_rows.file(tx, row["file_digest"]))
    return Response(text, media_type="text/plain; charset=utf-8")


@router.get("/runs/{identity:path}/artifacts")
async def list_artifacts(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """List what the run's attempts left."""
    row = await run_of(parts, who, identity, Action.SEE)
    found = await parts.store.read(lambda tx: keeping_lists.artifacts_of(tx, row["id"]))
    return answer(request, {"items": [views.artifact(each) for each in found], "next": None})


@router.post("/runs/{identity:path}/cancel")
async def cancel(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """Ask for the end of a run; one that has ended stays as it is."""
    row = await run_of(parts, who, identity, Action.CANCEL)
    changed = await parts.queue.cancel(row["id"], who.name)
    await _audit(parts, who, "cancel", row)
    return answer(request, {"changed": changed}, 202)


@router.post("/runs/{identity:path}/retry")
async def retry(
    request: Request, identity: str, body: JobNames, parts: Parts, who: Who
) -> Response:
    """Ask for another attempt of jobs that ended without success; what needs them follows."""
    row = await run_of(parts, who, identity, Action.RETRY)
    stored = await parts.store.read(lambda tx: run_rows.load(tx, row["id"]))
    if stored is None or not stored.run.jobs:
        raise Conflict("the run has no jobs", hint="push a commit that mends it, or rerun it")
    states = runs.job_states(stored.run)
    bad = (runs.State.FAILED, runs.State.ERRORED, runs.State.CANCELLED)
    named = body.get("jobs") or [name for name, state in states.items() if state in bad]
    for name in named:
        if name not in states:
            raise NotFound(f"the run has no job {name[:100]}", hint=f"it has {', '.join(states)}")
    if "hold" in body:
        seconds = holds.checked(body["hold"])
        cause = {**(row["cause"] or {}), "hold": seconds}
        held = update(run_table).where(run_table.c.id == row["id"]).values(cause=cause)
        await parts.store.write(lambda tx: tx.execute(held))
    changed = [name for name in named if await parts.queue.retry(row["id"], name)]
    if not changed:
        raise Conflict("nothing of it ended without success")
    await _audit(parts, who, "retry", row, changed)
    return answer(request, {"changed": changed}, 202)


@router.post("/runs/{identity:path}/rerun", status_code=202)
async def rerun(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """Run the same commit and the same workflow once more, as a new run."""
    row = await run_of(parts, who, identity, Action.TRIGGER)
    key = request.headers.get("idempotency-key", "")[:200]
    new = parts.clock.new_id()

    def accept(tx: Transaction) -> str:
        of = tx.one(select(triggers).where(triggers.c.id == row["trigger_id"]))
        wanted = dict(of["request"]) if of is not None else {"kind": "api"}
        wanted |= {"commit": row["commit"] or wanted.get("commit", ""), "target": row["name"]}
        if not row["file"] or row["name"] == row["file"]:
            wanted.pop("target")
        found, _ = project_rows.accept(
            tx, new, row["project_id"], key and f"rerun/{key}", wanted, who.name
        )
        return found

    found = await parts.store.write(accept)
    return answer(
        request, {"id": found, "state": "accepted"}, 202, {"Location": f"/api/v1/triggers/{found}"}
    )


@router.post("/runs/{identity:path}/approve")
async def approve(
    request: Request, identity: str, body: JobName, parts: Parts, who: Who
) -> Response:
    """Let a job go on that waits for a person."""
    return await _decide(request, identity, body, parts, who, approved=True)


@router.post("/runs/{identity:path}/decline")
async def decline(
    request: Request, identity: str, body: JobName, parts: Parts, who: Who
) -> Response:
    """Cancel a job that waits for a person."""
    return await _decide(request, identity, body, parts, who, approved=False)


async def _decide(
    request: Request, identity: str, body: JobName, parts: Platform, who: Caller, *, approved: bool
) -> Response:
    row = await run_of(parts, who, identity, Action.APPROVE)
    jobs = await parts.store.read(lambda tx: listing.jobs_of(tx, row["id"]))
    job = next((each for each in jobs if each["name"] == body["job"]), None)
    if job is None:
        raise NotFound(f"the run has no job {body['job'][:100]}")
    named = job["facts"]["approvers"]
    if named and who.name not in named and not who.admin:
        raise Forbidden(f"only {' or '.join(named)} may decide on {job['name']}")
    changed = await parts.queue.decide(row["id"], job["name"], approved=approved, by=who.name)
    if not changed:
        raise Conflict(f"the job {job['name']} does not wait for anybody's approval")
    await _audit(parts, who, "approve" if approved else "decline", row, job["name"])
    return answer(request, {"changed": True}, 202)


async def _audit(parts: Platform, who: Caller, action: str, row: Row, detail: Any = None) -> None:
    subject = f"{row['project']}/{row['number']}"
    await parts.store.write(lambda tx: auditing.note(tx, who.name, action, subject, detail))


@router.get("/attempts/{identity}")
async def show_attempt(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """Show an attempt with its steps."""
    row = await attempt(parts, who, identity, Action.SEE)
    steps = await parts.store.read(lambda tx: step_rows.of(tx, identity))
    data = views.attempt(row) | {"run": row["run_id"], "job": row["job"]}
    return answer(request, data | {"steps": [views.step(each) for each in steps]})


async def attempt(parts: Platform, who: Caller, identity: str, action: Action) -> Row:
    """Return an attempt in whose project *who* may do *action*."""
    row = await parts.store.read(lambda tx: listing.attempt(tx, views.viewer(who), identity))
    if row is None:
        raise NotFound(f"there is no attempt {identity[:40]}")
    await access.project(parts, who, row["project_id"], action)
    return row


@router.get("/runs/{identity:path}")
async def show_run(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """Show a run, by its id or as PROJECT/NUMBER, with its jobs and why each waits."""
    row = await run_of(parts, who, identity, Action.SEE)
    found = await parts.store.scan(lambda tx: _shown(tx, row))
    return answer(request, found)


def _shown(tx: Transaction, row: Row) -> dict[str, Any]:
    stored = run_rows.load(tx, row["id"])
    tries: dict[str, list[Row]] = {}
    for each in listing.attempts_of(tx, row["id"]):
        tries.setdefault(each["job"], []).append(each)
    jobs = listing.jobs_of(tx, row["id"])
    shown = []
    for job in jobs:
        mine = tries.get(job["name"], [])
        why = runs.why(stored.run, job["name"]) if stored else ""
        shown.append(views.job(job, mine, why or _waits(tx, row, mine)))
    return views.run(row) | {"jobs": shown, "version": row["version"]}


def _waits(tx: Transaction, run: Row, tries: list[Row]) -> str:
    """Say why the newest attempt still is in the queue."""
    last = tries[-1] if tries else None
    if last is not None and last["state"] == "leased":
        seen = (last["message"], *(each["text"] for each in views.notes(last)))
        return queue.prepares(last["worker"], last["node"], seen)
    if last is None or last["state"] != "queued":
        return ""
    lane = queueing.lane_of(tx, last["lane"])
    if lane is None:
        return ""
    standing = queueing.standing(tx, last, lane)
    if last["blocked"]:
        holder = queueing.holder(tx, run["project_id"], run["group"], run["id"])
        standing = standing._replace(blocked=_blocked(run["group"], holder))
    return queue.why(lane, queueing.known_workers(tx, tx.now - WORKER_SEEN), standing)


def _blocked(group: str, holder: int | None) -> str:
    return concurrency.why(group, f"run {holder}" if holder else "an older run")
