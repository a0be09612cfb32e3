"""Who may do what in a project."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import with_config
from typing_extensions import TypedDict

from steersman.core.errors import Conflict, Forbidden, NotFound
from steersman.core.permissions import Action, Role
from steersman.server import access, auditing
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import answer
from steersman.server.api.users import UserName, named
from steersman.server.checked import STRICT
from steersman.server.login_limits import address
from steersman.store import access as access_rows
from steersman.store import people
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["members"])
ProjectName = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


@with_config(STRICT)
class Membership(TypedDict):
    """What somebody is to be in a project; each role may do all that those before it may."""

    role: Literal["viewer", "developer", "maintainer"]


@router.get("/projects/{name}/members")
async def list_members(request: Request, name: ProjectName, parts: Parts, who: Who) -> Response:
    """List who has which role in a project; admins may do everything without one."""
    project = await access.project(parts, who, name, Action.SEE)
    found = await parts.store.read(lambda tx: people.members_of(tx, project["id"]))
    items = [
        {"user": row["name"], "role": row["role"], "disabled": row["disabled"]} for row in found
    ]
    return answer(request, {"items": items, "next": None})


@router.put("/projects/{name}/members/{user}")
async def set_member(
    request: Request, name: ProjectName, user: UserName, body: Membership, parts: Parts, who: Who
) -> Response:
    """Give a user a role in a project, instead of the one they had."""
    project = await access.project(parts, who, name, Action.MEMBER_EDIT)
    role = Role(body["role"])
    if not who.admin and not Role(project["role"]).includes(role):
        raise Forbidden(f"a {project['role']} cannot make anybody a {role}")

    def change(tx: Transaction) -> bool:
        row = named(tx, user)
        known = access_rows.role(tx, project["id"], row["id"])
        if role is not Role.MAINTAINER:
            _keep_a_maintainer(tx, who, project, row, known)
        people.set_role(tx, project["id"], row["id"], role)
        detail = {"role": role, "before": known}
        auditing.note(
            tx, who.name, "member-set", f"{project['name']}/{user}", detail, address(request)
        )
        return known is None

    fresh = await parts.store.write(change)
    return answer(request, {"user": user, "role": role}, 201 if fresh else 200)


@router.delete("/projects/{name}/members/{user}", status_code=204)
async def remove_member(
    request: Request, name: ProjectName, user: UserName, parts: Parts, who: Who
) -> Response:
    """Take a user's role in a project away."""
    project = await access.project(parts, who, name, Action.MEMBER_EDIT)

    def remove(tx: Transaction) -> None:
        row = named(tx, user)
        known = access_rows.role(tx, project["id"], row["id"])
        if known is None:
            raise NotFound(f"{user} is no member of {project['name']}")
        _keep_a_maintainer(tx, who, project, row, known)
        people.remove_member(tx, project["id"], row["id"])
        detail = {"before": known}
        auditing.note(
            tx, who.name, "member-remove", f"{project['name']}/{user}", detail, address(request)
        )

    await parts.store.write(remove)
    return Response(status_code=204)


def _keep_a_maintainer(
    tx: Transaction, who: Caller, project: Row, user: Row, known: str | None
) -> None:
    """Raise `Conflict` when nobody but an admin could undo what is done to this member."""
    if known != Role.MAINTAINER or who.admin:
        return
    if not people.has_other_maintainer(tx, project["id"], user["id"]):
        raise Conflict(
            f"{user['name']} is the last maintainer of {project['name']}",
            hint="make somebody else a maintainer first, or ask an admin",
        )
