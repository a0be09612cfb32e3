"""Schedules of projects: what runs by itself and when, and the ledger of each planned instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Query, Request, Response
from pydantic import with_config
from typing_extensions import TypedDict

from steersman.core.errors import Conflict, NotFound, UserError
from steersman.core.permissions import Action
from steersman.core.schedules import explaining, forecasts, outcomes, specs, timetables
from steersman.core.schedules.fires import Fire, Kind, State
from steersman.core.schedules.schedule import Pause
from steersman.server import access, auditing, schedules, schedules_views, views
from steersman.server.access import Parts, Who
from steersman.server.answers import MOST, answer, from_cursor, page
from steersman.server.checked import STRICT
from steersman.server.platform import Platform
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["schedules"])
MOST_FILLED = 1000
LONGEST_REASON = 1000
Json = dict[str, Any]


@with_config(STRICT)
class NewSchedule(TypedDict):
    """A schedule. *target* is a workflow or pipeline, *spec* says when, by the language's keys."""

    name: str
    target: str
    spec: dict[str, Any]


@with_config(STRICT)
class ScheduleChange(TypedDict):
    """What is to be changed; *spec* replaces the one before as a whole."""

    target: NotRequired[str]
    spec: NotRequired[dict[str, Any]]


@with_config(STRICT)
class Why(TypedDict):
    """Why somebody does something, for those who look at it later."""

    reason: NotRequired[str]


@with_config(STRICT)
class NewPause(TypedDict):
    """Why nothing is launched, and *until* when; without it until somebody resumes."""

    reason: str
    until: NotRequired[str]


@with_config(STRICT)
class Backfill(TypedDict):
    """A range of the past to launch; with *dry_run* it is only said what that would be."""

    since: str
    until: str
    reason: NotRequired[str]
    dry_run: NotRequired[bool]


@router.get("/projects/{name}/schedules")
async def list_schedules(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """List the schedules of a project by name, each with its next instant."""
    project = await access.project(parts, who, name, Action.SEE)
    found, now = await parts.store.scan(
        lambda tx: (rows.of_project(tx, project["id"]), tx.now),
    )
    items = [schedules_views.shown(row, now) for row in found if row["removed"] is None]
    return answer(request, {"items": items, "next": None})


@router.post("/projects/{name}/schedules", status_code=201)
async def add_schedule(
    request: Request, name: str, body: NewSchedule, parts: Parts, who: Who
) -> Response:
    """Add a schedule that no file holds."""
    project = await access.project(parts, who, name, Action.SCHEDULE_EDIT)
    if not specs.NAME.fullmatch(body["name"]):
        raise UserError(
            f"{body['name'][:100]!r} cannot be the name of a schedule",
            hint="use letters, digits, blanks, `.`, `_` and `-`, at most 100",
        )
    values = {"target": _target(body["target"]), "spec": _spec(body["spec"]), "author": who.name}
    identity = parts.clock.new_id()

    def add(tx: Transaction) -> Row:
        known = rows.one(tx, project["id"], body["name"], lock=True)
        if known is not None and known["removed"] is None:
            raise Conflict(f"there is a schedule {body['name']} already")
        if known is not None:
            schedules.change(tx, known, {**values, "origin": None}, tx.now)
        else:
            new = {"id": identity, "project_id": project["id"], "name": body["name"]}
            schedules.add(tx, {**new, **values}, tx.now)
        return _noted(tx, who, "schedule-add", project, body["name"])

    row = await parts.store.write(add)
    return answer(request, schedules_views.shown(row, row["created"]), 201)


@router.get("/projects/{name}/schedules/{schedule}")
async def show_schedule(
    request: Request, name: str, schedule: str, parts: Parts, who: Who
) -> Response:
    """Show a schedule."""
    row, now = await _one(parts, who, name, schedule, Action.SEE)
    return answer(request, schedules_views.shown(row, now))


@router.patch("/projects/{name}/schedules/{schedule}")
async def change_schedule(
    request: Request, name: str, schedule: str, body: ScheduleChange, parts: Parts, who: Who
) -> Response:
    """Change a schedule that was made here; one of a file is changed there."""
    values: Json = {}
    if "target" in body:
        values["target"] = _target(body["target"])
    if "spec" in body:
        values["spec"] = _spec(body["spec"])

    def change(tx: Transaction, row: Row) -> None:
        _check_own(row)
        schedules.change(tx, row, values, tx.now)

    return answer(request, await _do(parts, who, (name, schedule, "schedule-edit"), change))


@router.delete("/projects/{name}/schedules/{schedule}", status_code=204)
async def remove_schedule(name: str, schedule: str, parts: Parts, who: Who) -> Response:
    """Remove a schedule that was made here; what it has launched goes on."""

    def remove(tx: Transaction, row: Row) -> None:
        _check_own(row)
        schedules.remove(tx, row, tx.now)

    await _do(parts, who, (name, schedule, "schedule-remove"), remove)
    return Response(status_code=204)


@router.get("/projects/{name}/schedules/{schedule}/next")
async def next_instants(
    request: Request,
    name: str,
    schedule: str,
    parts: Parts,
    who: Who,
    count: Annotated[int, Query(ge=1, le=MOST)] = 10,
) -> Response:
    """List the next instants, with what a change of clocks does to them."""
    row, now = await _one(parts, who, name, schedule, Action.SEE)
    items = [
        {"instant": views.time(each.instant), "due": views.time(each.due), "note": each.note}
        for each in forecasts.coming(schedules.read(row), int(now), count)
    ]
    return answer(request, {"items": items, "next": None})


@router.get("/projects/{name}/schedules/{schedule}/instants")
async def list_instants(
    request: Request,
    name: str,
    schedule: str,
    parts: Parts,
    who: Who,
    state: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List the ledger, the newest instant first: fired, skipped or missed, and why."""
    row, _ = await _one(parts, who, name, schedule, Action.SEE)
    if state is not None and state not in set(State):
        raise UserError(f"{state[:40]!r} is no state", hint=f"it is one of {', '.join(State)}")
    before = _place(cursor)

    def load(tx: Transaction) -> tuple[list[Fire], dict[str, Any]]:
        found = rows.ledger(tx, row["id"], [state] if state else [], before, limit)
        return found, rows.triggers_of(tx, [each.run for each in found if each.run])

    found, made = await parts.store.scan(load)
    places = [{"place": f"{each.instant}/{each.kind}"} for each in found]
    items = [schedules_views.row(each, name, made) for each in found]
    return page(request, places, items, limit, "place")


@router.get("/projects/{name}/schedules/{schedule}/explain")
async def explain(
    request: Request, name: str, schedule: str, instant: str, parts: Parts, who: Who
) -> Response:
    """Say why an instant ran, when and by whom, or why not."""
    row, now = await _one(parts, who, name, schedule, Action.SEE, removed=True)
    at = specs.moment(instant)

    def load(tx: Transaction) -> tuple[list[Fire], dict[str, Any]]:
        found = rows.holding(tx, row["id"], at)
        return found, rows.triggers_of(tx, [each.run for each in found if each.run])

    found, made = await parts.store.scan(load)
    told = [explaining.row(schedules_views.by_name(each, name, made)) for each in found]
    if not any(each.kind is Kind.SCHEDULED for each in found):
        told.append(schedules_views.absent(row, at, now))
    shown = [schedules_views.row(each, name, made) for each in found]
    return answer(request, {"instant": views.time(at), "answers": told, "rows": shown})


@router.post("/projects/{name}/schedules/{schedule}/trigger", status_code=202)
async def trigger_schedule(
    request: Request, name: str, schedule: str, body: Why, parts: Parts, who: Who
) -> Response:
    """Launch now, besides the schedule's own instants."""
    asked: list[Fire] = []

    def ask(tx: Transaction, row: Row) -> None:
        asked[:] = [schedules.ask(tx, row, who.name, _reason(body), tx.now)]

    doing = (name, schedule, "schedule-trigger")
    await _do(parts, who, doing, ask, Action.TRIGGER)
    return answer(request, schedules_views.row(asked[0], name, {}), 202)


@router.post("/projects/{name}/schedules/{schedule}/pause")
async def pause_schedule(
    request: Request, name: str, schedule: str, body: NewPause, parts: Parts, who: Who
) -> Response:
    """Launch nothing for a while; instants meanwhile are skipped, never missed."""
    until = specs.moment(body["until"]) if "until" in body else None

    def pause(tx: Transaction, row: Row) -> None:
        schedules.pause(tx, row, Pause(tx.now, who.name, _reason(body), until), tx.now)

    return answer(request, await _do(parts, who, (name, schedule, "schedule-pause"), pause))


@router.post("/projects/{name}/schedules/{schedule}/resume")
async def resume_schedule(
    request: Request, name: str, schedule: str, parts: Parts, who: Who
) -> Response:
    """Let a paused schedule go on; its counts of failures and successes begin anew."""

    def resume(tx: Transaction, row: Row) -> None:
        schedules.resume(tx, row, tx.now)

    return answer(request, await _do(parts, who, (name, schedule, "schedule-resume"), resume))


@router.post("/projects/{name}/schedules/{schedule}/backfill", status_code=202)
async def backfill(
    request: Request, name: str, schedule: str, body: Backfill, parts: Parts, who: Who
) -> Response:
    """Launch the instants of a range of the past, each once, or say which those are."""
    row, now = await _one(parts, who, name, schedule, Action.SCHEDULE_EDIT)
    since, until = specs.moment(body["since"]), min(specs.moment(body["until"]), int(now))
    instants: list[int] = []
    for instant in timetables.between(schedules.read(row).tables, since - 1, until):
        instants.append(instant)
        if len(instants) > MOST_FILLED:
            raise UserError(f"the range has more than {MOST_FILLED} instants", hint="narrow it")
    filled = [
        outcomes.filled(row["id"], instant, who.name, _reason(body), now) for instant in instants
    ]
    if body.get("dry_run"):
        there = await parts.store.scan(lambda tx: [rows.known(tx, each.key) for each in filled])
        new = [each for each, known in zip(filled, there, strict=True) if not known]
    else:
        new = []

        def fill(tx: Transaction, _: Row) -> None:
            new[:] = [each for each in filled if rows.note(tx, [each])]
            tx.wake(rows.CHANGED)

        await _do(parts, who, (name, schedule, "schedule-backfill"), fill)
    shown = [views.time(each.instant) for each in new]
    done = {"instants": shown, "planned": len(instants), "dry_run": bool(body.get("dry_run"))}
    return answer(request, done, 202)


async def _one(
    parts: Platform, who: access.Caller, name: str, schedule: str, action: Action,
    *, removed: bool = False,
) -> tuple[Row, float]:  # fmt: skip
    """Return a schedule of a project in which *who* may do *action*, and what time it is."""
    project = await access.project(parts, who, name, action)
    named = schedule.replace("\0", "")
    row, now = await parts.store.read(lambda tx: (rows.one(tx, project["id"], named), tx.now))
    if row is None or (row["removed"] is not None and not removed):
        raise _missing(name, named)
    return row, now


def _missing(project: str, name: str) -> NotFound:
    hint = f"`steer schedule list {project}` names them"
    return NotFound(f"the project has no schedule {name[:100]}", hint=hint)


async def _do(
    parts: Platform,
    who: access.Caller,
    doing: tuple[str, str, str],
    work: Callable[[Transaction, Row], None],
    needs: Action = Action.SCHEDULE_EDIT,
) -> Json:
    """Do *work* with a schedule nobody else changes meanwhile, and return it as it is then."""
    name, schedule, action = doing
    project = await access.project(parts, who, name, needs)
    named = schedule.replace("\0", "")

    def done(tx: Transaction) -> tuple[Row, float]:
        row = rows.one(tx, project["id"], named, lock=True)
        if row is None or row["removed"] is not None:
            raise _missing(name, named)
        work(tx, row)
        return _noted(tx, who, action, project, named), tx.now

    row, now = await parts.store.write(done)
    return schedules_views.shown(row, now)


def _noted(tx: Transaction, who: access.Caller, action: str, project: Row, name: str) -> Row:
    auditing.note(tx, who.name, action, f"{project['name']}/{name}")
    row = rows.one(tx, project["id"], name)
    assert row is not None  # noqa: S101 - it was written a line before
    return row


def _check_own(row: Row) -> None:
    if row["origin"] is not None:
        raise Conflict(
            f"{row['name']} is written in the pipeline file of {row['origin']}",
            hint="change it there; pausing it works here",
        )


def _target(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise UserError("the target is the name of a workflow or a pipeline")
    return text


def _spec(spec: Mapping[str, Any]) -> Json:
    specs.check(spec)
    return dict(spec)


def _reason(body: Mapping[str, Any]) -> str:
    reason = str(body.get("reason") or "")
    if len(reason) > LONGEST_REASON:
        raise UserError(f"a reason has at most {LONGEST_REASON} characters")
    return reason


def _place(cursor: str | None) -> tuple[int, str] | None:
    value = from_cursor(cursor)
    if value is None:
        return None
    instant, _, kind = str(value).partition("/")
    if kind not in set(Kind) or not instant.isascii() or not instant.isdigit():
        raise UserError("the cursor is none of ours", hint="use `next` of the last answer")
    return int(instant[:15]), kind
