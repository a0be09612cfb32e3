"""Projects, and what triggers their runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Query, Request, Response
from pydantic import with_config
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import TypedDict

from steersman.core import forges
from steersman.core import triggers as deciding
from steersman.core.errors import Conflict, NotFound, UserError
from steersman.core.permissions import Action
from steersman.mirrors import addresses
from steersman.server import access, auditing, holds, placing, project_settings, views
from steersman.server.access import Parts, Who
from steersman.server.answers import MOST, answer, once, page, place
from steersman.server.checked import STRICT
from steersman.server.platform import Platform
from steersman.store import listing
from steersman.store import projects as rows
from steersman.store.base import Row, Transaction
from steersman.store.tables import projects, runs, triggers

router = APIRouter(tags=["projects"])
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")


@with_config(STRICT)
class Credentials(TypedDict):
    """How the server logs in where the repository is; never shown again."""

    user: NotRequired[str]
    password: NotRequired[str]
    key: NotRequired[str]


@with_config(STRICT)
class NewProject(TypedDict):
    """A project. *repository* is an address of git; *forge* tells whose webhooks come."""

    name: str
    repository: str
    forge: NotRequired[str]
    default_branch: NotRequired[str]
    settings: NotRequired[dict[str, Any]]
    credentials: NotRequired[Credentials]


@with_config(STRICT)
class ProjectChange(TypedDict):
    """What is to be changed of a project."""

    repository: NotRequired[str]
    forge: NotRequired[str]
    default_branch: NotRequired[str]
    settings: NotRequired[dict[str, Any]]
    credentials: NotRequired[Credentials | None]


@with_config(STRICT)
class NewTrigger(TypedDict):
    """What is to run: a commit, or the newest of a branch or a tag.

    *target* names one workflow or pipeline, whatever its `on` says. *hold* is for how many seconds
    the box of a job that fails is held, so that somebody can open a shell in it.
    """

    kind: NotRequired[str]
    branch: NotRequired[str]
    tag: NotRequired[str]
    commit: NotRequired[str]
    before: NotRequired[str]
    target: NotRequired[str]
    deploy_target: NotRequired[str]
    variables: NotRequired[dict[str, str]]
    deleted: NotRequired[bool]
    hold: NotRequired[int]


@router.get("/projects")
async def list_projects(
    request: Request,
    parts: Parts,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List the projects that may be seen, newest first."""
    where = [views.viewer(who).sees(projects.c.id)]
    before = place(cursor)
    found = await parts.store.read(
        lambda tx: listing.newest(tx, projects, where, before=before, limit=limit)
    )
    return page(request, found, [views.project(row) for row in found], limit, "id")


@router.post("/projects", status_code=201)
async def add_project(request: Request, body: NewProject, parts: Parts, who: Who) -> Response:
    """Add a project."""
    access.require(who, Action.PROJECT_ADD)
    _check(body)
    if not NAME.fullmatch(body["name"]):
        raise UserError(
            f"{body['name'][:100]!r} cannot be the name of a project",
            hint="use lower-case letters, digits, `.`, `_` and `-`",
        )

    async def make() -> tuple[Any, int]:
        identity = parts.clock.new_id()
        row = {"id": identity, "name": body["name"], **_columns(parts, identity, body, {})}
        try:
            made = await parts.store.write(lambda tx: _add(tx, row, who))
        except IntegrityError:
            raise Conflict(f"there is a project {body['name']} already") from None
        return views.project(made), 201

    return await once(request, parts, who.user, make)


def _check(body: NewProject | ProjectChange) -> None:
    forge = body.get("forge", "")
    if forge not in ("", *forges.Forge):
        raise UserError(f"{forge[:40]!r} is no forge we know")


def _columns(
    parts: Platform,
    identity: str,
    body: NewProject | ProjectChange,
    before: Mapping[str, Any],
) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: body[name] for name in ("repository", "forge", "default_branch") if name in body
    }
    if "settings" in body:
        columns["settings"] = project_settings.checked(
            body["settings"], before, parts.keyring, identity
        )
    if "repository" in columns:
        addresses.parse(columns["repository"], parts.mirrors.rules)
    if "credentials" in body:
        said = body["credentials"]
        columns["credentials"] = (
            parts.keyring.seal(identity, placing.CREDENTIALS, json.dumps(said).encode())
            if said
            else None
        )
    return columns


def _add(tx: Transaction, row: dict[str, Any], who: access.Caller) -> Row:
    tx.execute(insert(projects), {"settings": {}, "created": tx.now, **row})
    auditing.note(tx, who.name, "project-add", row["name"])
    found = rows.find(tx, row["id"])
    assert found is not None  # noqa: S101 - it was added a line before
    return found


@router.get("/projects/{name}")
async def show_project(request: Request, name: str, parts: Parts, who: Who) -> Response:
    """Show a project."""
    return answer(request, views.project(await access.project(parts, who, name, Action.SEE)))


@router.patch("/projects/{name}")
async def change_project(
    request: Request, name: str, body: ProjectChange, parts: Parts, who: Who
) -> Response:
    """Change a project; with `If-Match` only the version somebody has seen."""
    row = await access.project(parts, who, name, Action.PROJECT_EDIT)
    _check(body)
    columns = _columns(parts, row["id"], body, row["settings"] or {})
    wanted = request.headers.get("if-match", "").strip('"')
    if wanted and wanted != str(row["version"]):
        raise Conflict("the project was changed meanwhile", hint="look at it again")

    def change(tx: Transaction) -> Row | None:
        which = (projects.c.id == row["id"], projects.c.version == row["version"])
        values = {**columns, "version": row["version"] + 1}
        if tx.execute(update(projects).where(*which).values(**values)).rowcount != 1:
            return None
        auditing.note(tx, who.name, "project-edit", row["name"], sorted(columns))
        return rows.find(tx, row["id"])

    found = await parts.store.write(change)
    if found is None:
        raise Conflict("the project was changed meanwhile", hint="look at it again")
    return answer(request, views.project(found))


@router.delete("/projects/{name}", status_code=204)
async def remove_project(name: str, parts: Parts, who: Who) -> Response:
    """Remove a project with all its runs; what runs is ended."""
    row = await access.project(parts, who, name, Action.PROJECT_REMOVE)

    def remove(tx: Transaction) -> None:
        tx.execute(delete(projects).where(projects.c.id == row["id"]))
        auditing.note(tx, who.name, "project-remove", row["name"])

    await parts.store.write(remove)
    await parts.mirrors.remove(row["id"])
    return Response(status_code=204)


@router.post("/projects/{name}/triggers", status_code=202)
async def trigger(
    request: Request, name: str, body: NewTrigger, parts: Parts, who: Who
) -> Response:
    """Ask for runs. With an Idempotency-Key the same one is made once."""
    row = await access.project(parts, who, name, Action.TRIGGER)
    kind = body.get("kind", "api")
    if kind not in set(deciding.Kind):
        raise UserError(f"{kind[:40]!r} is no kind of trigger")
    commit = body.get("commit", "")
    if commit and not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise UserError(f"{commit[:40]!r} is no id of a commit")
    if "hold" in body:
        holds.checked(body["hold"])
    key = request.headers.get("idempotency-key", "")[:200]
    identity = parts.clock.new_id()
    wanted = {**body, "kind": kind}
    found, fresh = await parts.store.write(
        lambda tx: rows.accept(tx, identity, row["id"], key and f"api/{key}", wanted, who.name)
    )
    state = {"id": found, "state": "accepted", "new": fresh}
    return answer(request, state, 202, {"Location": f"/api/v1/triggers/{found}"})


@router.get("/triggers/{identity}")
async def show_trigger(request: Request, identity: str, parts: Parts, who: Who) -> Response:
    """Show what became of a trigger: its runs, or why there are none."""
    seen = views.viewer(who)

    def load(tx: Transaction) -> tuple[Row, list[Row]] | None:
        where = (triggers.c.id == identity, seen.sees(triggers.c.project_id))
        row = tx.one(select(triggers).where(*where))
        if row is None:
            return None
        mine = [runs.c.trigger_id == identity]
        return row, listing.runs_page(tx, seen, mine, None, MOST)

    found = await parts.store.read(load)
    if found is None:
        raise NotFound(f"there is no trigger {identity[:40]}")
    row, made = found
    data = {"id": row["id"], "state": row["state"], "message": row["message"]}
    return answer(request, {**data, "runs": [views.run(each) for each in reversed(made)]})
