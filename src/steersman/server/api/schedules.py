"""The schedules of a project: what runs by itself, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired

from fastapi import APIRouter, Request, Response
from pydantic import with_config
from typing_extensions import TypedDict

from steersman.core.errors import Conflict, UserError
from steersman.core.permissions import Action
from steersman.core.schedules import specs
from steersman.server import access, schedules, schedules_access, schedules_views
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.checked import STRICT
from steersman.server.schedules_access import asked, noted
from steersman.store import schedule_alarms
from steersman.store import schedules as rows
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["schedules"])
EDIT = Action.SCHEDULE_EDIT
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


@router.get("/projects/{name}/schedules")
async def list_schedules(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """List the schedules of a project by name, each with its next instant."""
    project = await access.project(parts, who, name, Action.SEE)
    found, now = await parts.store.scan(
        lambda tx: (schedule_alarms.with_alarms(tx, rows.of_project(tx, project["id"])), tx.now),
    )
    items = [schedules_views.shown(row, now) for row in found if row["removed"] is None]
    return answer(request, {"items": items, "next": None})


@router.post("/projects/{name}/schedules", status_code=201)
async def add_schedule(
    request: Request, name: str, body: NewSchedule, parts: Parts, who: Who
) -> Response:
    """Add a schedule that no file holds."""
    project = await access.project(parts, who, name, EDIT)
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
        return noted(tx, who, "schedule-add", project, body["name"])

    row = await parts.store.write(add)
    now = row["changed"]
    shown = schedules_views.shown(row, now) | {"doubts": schedules_views.doubts(row, now)}
    return answer(request, shown, 201)


@router.get("/projects/{name}/schedules/{schedule}")
async def show_schedule(
    request: Request, name: str, schedule: str, parts: Parts, who: Who
) -> Response:
    """Show a schedule, and what of it may be meant otherwise."""
    row, now = await schedules_access.find(parts, who, asked(name, schedule), Action.SEE)
    shown = schedules_views.shown(row, now) | {"doubts": schedules_views.doubts(row, now)}
    return answer(request, shown)


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

    what = (EDIT, "schedule-edit")
    done = await schedules_access.change(parts, who, asked(name, schedule), what, change)
    return answer(request, done)


@router.delete("/projects/{name}/schedules/{schedule}", status_code=204)
async def remove_schedule(name: str, schedule: str, parts: Parts, who: Who) -> Response:
    """Remove a schedule that was made here; what it has launched goes on."""

    def remove(tx: Transaction, row: Row) -> None:
        _check_own(row)
        schedules.remove(tx, row, tx.now)

    what = (EDIT, "schedule-remove")
    await schedules_access.change(parts, who, asked(name, schedule), what, remove)
    return Response(status_code=204)


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
