"""What other programs show of projects: badges, and cctray.xml for desktops and walls."""

from __future__ import annotations

import base64
import binascii
import re

from fastapi import APIRouter, Request, Response
from sqlalchemy import ColumnElement, FromClause, func, select

from steersman.core import badges
from steersman.core.badges import Activity, CcProject, Status
from steersman.core.errors import Unknown
from steersman.core.permissions import Action, Role
from steersman.core.runs import State
from steersman.core.triggers import Kind
from steersman.server import access, views
from steersman.server.access import Caller, Parts
from steersman.server.platform import Platform
from steersman.server.problems import problem
from steersman.store import projects as rows
from steersman.store.base import Row, Transaction
from steersman.store.listing import Viewer
from steersman.store.tables import projects, runs

router = APIRouter(tags=["badges"])
UNKNOWN = "unknown"
PUBLIC = "public_badge"
LABEL = "build"
HEADERS = {
    "Cache-Control": "public, max-age=60",
    "Content-Security-Policy": "default-src 'none'",
}
MOST = 500
RECENT = 50
"""Which of a project's newest runs are looked at for one that still goes on."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_FINAL = [state.value for state in State if state.is_final]


@router.get("/badges/{project}/status.svg")
async def badge(project: str, parts: Parts, branch: str = "", workflow: str = "") -> Response:
    """Draw how the newest run of a project ended that has ended.

    The project's setting `public_badge` lets everybody see it. Any other project looks like one
    that is not there.
    """
    state = UNKNOWN
    if _NAME.fullmatch(project) and "\0" not in branch + workflow:
        state = await parts.store.read(lambda tx: _state(tx, project, branch, workflow))
    text = badges.svg(workflow or LABEL, state)
    return Response(text, media_type="image/svg+xml", headers=HEADERS)


def _state(tx: Transaction, name: str, branch: str, workflow: str) -> str:
    project = rows.find(tx, name)
    if project is None or (project["settings"] or {}).get(PUBLIC) is not True:
        return UNKNOWN
    where = [runs.c.project_id == project["id"], *_counts(runs)]
    for column, value in (("branch", branch or project["default_branch"]), ("name", workflow)):
        if value:
            where.append(runs.c[column] == value)
    found = tx.value(select(runs.c.state).where(*where).order_by(runs.c.number.desc()).limit(1))
    return str(found or UNKNOWN)


def _counts(of: FromClause) -> list[ColumnElement[bool]]:
    """Return which runs say something of a branch: ended ones, but not of what may be merged."""
    kind = func.coalesce(of.c.cause["kind"].as_string(), "")
    return [of.c.state.in_(_FINAL), kind != Kind.PULL_REQUEST.value]


@router.get("/cc.xml")
async def cctray(request: Request, parts: Parts) -> Response:
    """List the projects that may be seen; a token comes as bearer, or as the password of basic."""
    text = access.bearer(request) or _password(request.headers.get("authorization", ""))
    try:
        if not text:
            raise Unknown("this needs a token", hint="use it as the password; any user name does")
        who = await access.identify(parts, text)
    except Unknown as error:
        asking = {"WWW-Authenticate": 'Basic realm="steersman"'}
        return problem(401, "who are you?", str(error), hint=error.hint, headers=asking)
    # Of those listed each may be seen by its role; whether by the token is asked here.
    access.require(who, Action.SEE, Role.VIEWER)
    found = await _listed(parts, who)
    return Response(badges.cctray(found), media_type="application/xml")


def _password(header: str) -> str:
    """Return the password in a header of basic authentication, empty without one."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        said = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return said.partition(":")[2]


async def _listed(parts: Platform, who: Caller) -> list[CcProject]:
    viewer, url = views.viewer(who), parts.settings.url
    found = await parts.store.read(lambda tx: _newest(tx, viewer))
    return [_of(row, f"{url}/projects/{row['project']}") for row in found]


def _newest(tx: Transaction, viewer: Viewer) -> list[Row]:
    """Return each project with its newest run that ended, and whether another goes on."""
    inner = runs.alias()
    mine = inner.c.project_id == projects.c.id
    ended = select(inner.c.number).where(mine, *_counts(inner)).order_by(inner.c.number.desc())
    last = ended.limit(1).correlate(projects).scalar_subquery()
    recent = inner.c.number > projects.c.runs - RECENT
    going = select(inner.c.id).where(mine, recent, inner.c.state.not_in(_FINAL))
    is_busy = going.correlate(projects).exists()
    columns = (runs.c.number, runs.c.state, runs.c.ended)
    query = (
        select(projects.c.name.label("project"), is_busy.label("busy"), *columns)
        .join_from(
            projects,
            runs,
            (runs.c.project_id == projects.c.id) & (runs.c.number == last),
            isouter=True,
        )
        .where(viewer.sees(projects.c.id))
        .order_by(projects.c.name)
        .limit(MOST)
    )
    return tx.all(query)


def _of(row: Row, url: str) -> CcProject:
    return CcProject(
        name=row["project"],
        activity=Activity.BUILDING if row["busy"] else Activity.SLEEPING,
        status=badges.STATUSES.get(row["state"] or "", Status.UNKNOWN),
        label=str(row["number"] or ""),
        time=row["ended"],
        url=url,
    )
