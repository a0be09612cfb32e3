"""Users: who one is oneself, and for admins all of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import with_config
from sqlalchemy.exc import IntegrityError
from typing_extensions import TypedDict

from steersman.core.errors import Conflict, Forbidden, NotFound, UserError
from steersman.core.permissions import Action
from steersman.server import access, auditing, passwords, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, page, place
from steersman.server.checked import STRICT
from steersman.server.login_limits import address
from steersman.store import listing, people
from steersman.store.base import Row, Transaction
from steersman.store.tables import users

router = APIRouter(tags=["users"])
NAME = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"
UserName = Annotated[str, Path(pattern=NAME)]
LONGEST_EMAIL = 254


@with_config(STRICT)
class NewUser(TypedDict):
    """A user. Without a *password* they come by tokens, or by whoever vouches for them."""

    name: str
    email: NotRequired[str]
    password: NotRequired[str]
    admin: NotRequired[bool]


@with_config(STRICT)
class UserChange(TypedDict):
    """What is to be changed of a user; null takes the password away."""

    email: NotRequired[str]
    password: NotRequired[str | None]
    admin: NotRequired[bool]
    disabled: NotRequired[bool]


@router.get("/me")
async def show_me(request: Request, parts: Parts, who: Who) -> Response:
    """Show who asks, and what their token opens."""
    row, token = await parts.store.read(
        lambda tx: (people.user_of(tx, who.user), people.token(tx, who.token))
    )
    if row is None or token is None:
        raise Forbidden("this token stands for nobody: it is of a worker")
    mine = {
        "kind": who.kind.name.lower(),
        "scopes": sorted(who.scopes),
        "project": token["project"],
        "expires": views.time(token["expires"]),
    }
    return answer(request, {**shown(row), "token": mine})


@router.get("/users")
async def list_users(
    request: Request,
    parts: Parts,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List the users, newest first."""
    access.require(who, Action.USER_MANAGE)
    before = place(cursor)
    found = await parts.store.read(
        lambda tx: listing.newest(tx, users, [], before=before, limit=limit)
    )
    return page(request, found, [shown(row) for row in found], limit, "id")


def shown(row: Row) -> dict[str, Any]:
    """Return a user as people see one."""
    return {
        "id": row["id"],
        "name": row["name"],
        "email": row["email"],
        "admin": row["admin"],
        "disabled": row["disabled"],
        "has_password": row["password"] is not None,
        "external": row["subject"] is not None,
        "created": views.time(row["created"]),
    }


@router.post("/users", status_code=201)
async def add_user(request: Request, body: NewUser, parts: Parts, who: Who) -> Response:
    """Add a user."""
    access.require(who, Action.USER_MANAGE)
    if not re.fullmatch(NAME, body["name"]):
        raise UserError(
            f"{body['name'][:64]!r} cannot be the name of a user",
            hint="use up to 64 lower-case letters, digits, `.`, `_` and `-`",
        )
    columns = await _columns(body)
    row = {"id": parts.clock.new_id(), "name": body["name"], **columns}

    def add(tx: Transaction) -> Row:
        made = people.add_user(tx, row)
        _note(tx, who, "user-add", request, body)
        return made

    try:
        made = await parts.store.write(add)
    except IntegrityError:
        raise Conflict(f"there is a user {body['name']} already") from None
    return answer(request, shown(made), 201)


async def _columns(body: NewUser | UserChange) -> dict[str, Any]:
    """Return what is to be stored."""
    columns: dict[str, Any] = {
        name: value for name, value in body.items() if name in ("email", "admin", "disabled")
    }
    email = columns.get("email", "")
    if email and not is_email(email):
        raise UserError(f"{email[:100]!r} is no e-mail address")
    if "password" in body:
        password = body["password"]
        if password is not None:
            passwords.check(password)
        columns["password"] = None if password is None else await passwords.hashed(password)
    return columns


def is_email(text: str) -> bool:
    """Tell whether *text* may be an e-mail address, as far as its form goes."""
    local, _, domain = text.rpartition("@")
    plain = text.isprintable() and " " not in text and len(text) <= LONGEST_EMAIL
    return bool(plain and local and domain)


def _note(
    tx: Transaction, who: Caller, action: str, request: Request, body: NewUser | UserChange
) -> None:
    """Note what was done to a user; a password is only said to have been set."""
    detail = {name: value for name, value in body.items() if name not in ("name", "password")}
    if "password" in body:
        detail["password"] = "removed" if body["password"] is None else "set"
    subject = request.path_params.get("name") or body.get("name", "")
    auditing.note(tx, who.name, action, str(subject), detail, address(request))


@router.patch("/users/{name}")
async def change_user(
    request: Request, name: UserName, body: UserChange, parts: Parts, who: Who
) -> Response:
    """Change a user; disabling ends all of their tokens and sessions, a password the sessions."""
    access.require(who, Action.USER_MANAGE)
    columns = await _columns(body)

    def change(tx: Transaction) -> Row:
        row = named(tx, name)
        stays = columns.get("admin", row["admin"]) and not columns.get("disabled", row["disabled"])
        if not stays:
            _keep_an_admin(tx, row)
        people.change_user(tx, row["id"], columns)
        if columns.get("disabled"):
            people.end_tokens(tx, row["id"])
        elif "password" in columns:
            people.end_sessions(tx, row["id"], who.token)
        _note(tx, who, "user-edit", request, body)
        return named(tx, name)

    return answer(request, shown(await parts.store.write(change)))


@router.delete("/users/{name}", status_code=204)
async def remove_user(request: Request, name: UserName, parts: Parts, who: Who) -> Response:
    """Remove a user with their tokens, sessions and memberships; what they did stays."""
    access.require(who, Action.USER_MANAGE)

    def remove(tx: Transaction) -> None:
        row = named(tx, name)
        _keep_an_admin(tx, row)
        people.remove_user(tx, row["id"])
        auditing.note(tx, who.name, "user-remove", name, None, address(request))

    await parts.store.write(remove)
    return Response(status_code=204)


def named(tx: Transaction, name: str) -> Row:
    """Return the user of this name; `NotFound` without one."""
    row = people.user(tx, name)
    if row is None:
        raise NotFound(f"there is no user {name[:64]}")
    return row


def _keep_an_admin(tx: Transaction, row: Row) -> None:
    """Raise `Conflict` when nobody else could undo what is done to this user."""
    active = row["admin"] and not row["disabled"]
    if active and not people.has_other_admin(tx, row["id"]):
        raise Conflict(f"{row['name']} is the last admin", hint="make somebody else an admin first")
