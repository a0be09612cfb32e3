"""Tokens of people, and of the hooks of repositories: made, listed, taken back."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, NotRequired

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, with_config
from sqlalchemy import ColumnElement
from typing_extensions import TypedDict

from steersman.core import tokens
from steersman.core.errors import Forbidden, NotFound, Unknown, UserError
from steersman.core.permissions import OPENS, Action, Scope
from steersman.core.tokens import Kind
from steersman.server import access, auditing, views
from steersman.server.access import Caller, Parts, Who
from steersman.server.answers import MOST, answer, page, place
from steersman.server.api.users import NAME, named
from steersman.server.checked import STRICT
from steersman.server.login_limits import address
from steersman.server.platform import Platform
from steersman.store import people
from steersman.store.base import Row, Transaction
from steersman.store.tables import tokens as token_table

router = APIRouter(tags=["tokens"])
DAY = 24 * 3600
DEFAULT = 90 * DAY
LONGEST = 366 * DAY
RANDOM_BYTES = 20
CHANGING = frozenset({Scope.WRITE, Scope.ADMIN})
KINDS = {"personal": Kind.PERSONAL, "session": Kind.SESSION, "hook": Kind.HOOK,
         "worker": Kind.WORKER}  # fmt: skip


@with_config(STRICT)
class NewToken(TypedDict):
    """A token. *project* is the only one it opens; a `hook` may only trigger runs there.

    *expires_in* is in seconds. Without it, a personal one lasts 90 days and a hook's until it is
    taken back.
    """

    name: str
    kind: NotRequired[Literal["personal", "hook"]]
    scopes: NotRequired[list[Literal["read", "trigger", "write", "admin"]]]
    expires_in: NotRequired[Annotated[int, Field(ge=1, le=LONGEST)] | None]
    project: NotRequired[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]]


class Wanted(NamedTuple):
    """A token that may be made; *project* is the id of its only one."""

    name: str
    kind: Kind
    scopes: list[str]
    seconds: int | None
    project: str | None


@router.get("/tokens")
async def list_tokens(
    request: Request,
    parts: Parts,
    who: Who,
    user: Annotated[str, Query(pattern=f"{NAME}|^$")] = "",
    kind: Literal["", "personal", "session", "hook", "worker"] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: str | None = None,
) -> Response:
    """List one's tokens that still work, or as an admin those of a *user* or of all workers."""
    before = place(cursor)
    _account(who)
    if kind == "worker":
        access.require(who, Action.WORKER_MANAGE)
    elif user not in ("", who.name):
        access.require(who, Action.USER_MANAGE)

    def load(tx: Transaction) -> list[Row]:
        owner = named(tx, user)["id"] if user else who.user
        return people.tokens_page(tx, _which(owner, kind), before, limit)

    found = await parts.store.read(load)
    return page(request, found, [_shown(row) for row in found], limit, "id")


def _which(owner: str, kind: str) -> ColumnElement[bool]:
    if kind == "worker":
        return token_table.c.kind == Kind.WORKER.value
    mine = token_table.c.user_id == owner
    return mine & (token_table.c.kind == KINDS[kind].value) if kind else mine


def _shown(row: Row) -> dict[str, Any]:
    kinds = {kind.value: name for name, kind in KINDS.items()}
    return {
        "id": row["id"],
        "kind": kinds.get(row["kind"], row["kind"]),
        "name": row["name"],
        "user": row["user"],
        "project": row["project"],
        "scopes": sorted(row["scopes"] or ()),
        "created": views.time(row["created"]),
        "expires": views.time(row["expires"]),
        "used": views.time(row["used"]),
    }


@router.post("/tokens", status_code=201)
async def make_token(request: Request, body: NewToken, parts: Parts, who: Who) -> Response:
    """Make a token for oneself; it is shown this once."""
    _account(who)
    _changing(who)
    if not body["name"].isprintable() or not 1 <= len(body["name"]) <= 100:
        raise UserError("the name of a token has 1 to 100 printable characters")
    hook = body.get("kind") == "hook"
    wanted = await (_hook if hook else _personal)(parts, who, body)
    text = tokens.make(wanted.kind, parts.clock.randomness(RANDOM_BYTES))
    identity, digest = parts.clock.new_id(), tokens.digest(text)

    def add(tx: Transaction) -> Row | None:
        row = {**_row(tx, who, wanted), "id": identity, "digest": digest}
        people.add_token(tx, row)
        detail = {"kind": body.get("kind", "personal"), "scopes": wanted.scopes}
        subject = f"{who.name}/{wanted.name}"
        auditing.note(tx, who.name, "token-add", subject, detail, address(request))
        return people.token(tx, identity)

    made = await parts.store.write(add)
    shown = _shown(made) if made else {}
    # No Idempotency-Key: an answer that is kept would keep the token.
    return answer(request, {**shown, "token": text}, 201, {"Cache-Control": "no-store"})


def _account(who: Caller) -> None:
    """Raise `Forbidden` unless the token stands for a person in everything they are."""
    if who.kind not in (Kind.PERSONAL, Kind.SESSION) or who.project is not None:
        raise Forbidden(
            "this takes a person's own token",
            hint="one of a worker, of a hook or for one project is not enough",
        )


def _changing(who: Caller) -> None:
    if not who.scopes & CHANGING:
        raise Forbidden(f"{who.name} may not do this: it takes a token with the scope write")


async def _personal(parts: Platform, who: Caller, body: NewToken) -> Wanted:
    scopes: list[str] = sorted(set(body.get("scopes") or ()))
    if not scopes:
        raise UserError("a token needs scopes", hint="known: read, trigger, write, admin")
    opened = frozenset[Action]().union(*(OPENS[scope] for scope in who.scopes))
    lacking = [scope for scope in scopes if not OPENS[Scope(scope)] <= opened]
    if lacking:
        raise Forbidden(f"your own token lacks the scope {lacking[0]}", hint="log in again")
    project = None
    if "project" in body:
        # What it opens is not of one project.
        if Scope.ADMIN in scopes:
            raise UserError("a token for one project cannot have the scope admin")
        project = (await access.project(parts, who, body["project"], Action.SEE))["id"]
    return Wanted(body["name"], Kind.PERSONAL, scopes, body.get("expires_in") or DEFAULT, project)


async def _hook(parts: Platform, who: Caller, body: NewToken) -> Wanted:
    if "project" not in body:
        raise UserError("the token of a hook is for one project", hint="name it in `project`")
    if set(body.get("scopes") or ()) - {Scope.TRIGGER.value}:
        raise UserError("the token of a hook has the scope trigger and no other")
    project = await access.project(parts, who, body["project"], Action.PROJECT_EDIT)
    scopes = [Scope.TRIGGER.value]
    return Wanted(body["name"], Kind.HOOK, scopes, body.get("expires_in"), project["id"])


def _row(tx: Transaction, who: Caller, wanted: Wanted) -> dict[str, Any]:
    """Return what is stored: a token that was made by another one does not outlive it."""
    maker = people.token(tx, who.token)
    if maker is None or maker["revoked"] is not None:
        raise Unknown("the token was revoked meanwhile", hint="log in again")
    ends = [] if wanted.seconds is None else [tx.now + wanted.seconds]
    if who.kind is Kind.PERSONAL and maker["expires"] is not None:
        ends.append(maker["expires"])
    return {
        "user_id": who.user,
        "project_id": wanted.project,
        "kind": wanted.kind.value,
        "name": wanted.name,
        "scopes": wanted.scopes,
        "expires": min(ends, default=None),
    }


@router.delete("/tokens/{identity}", status_code=204)
async def revoke_token(
    request: Request,
    identity: Annotated[str, Path(pattern=r"^[0-9a-v]{26}$")],
    parts: Parts,
    who: Who,
) -> Response:
    """Take a token back: the one that asks, another of one's own, or as an admin anybody's."""
    if identity != who.token:
        _account(who)
        _changing(who)

    def revoke(tx: Transaction) -> None:
        row = people.token(tx, identity)
        missing = NotFound(f"there is no token {identity}", hint="`GET /tokens` lists yours")
        if row is None:
            raise missing
        if identity != who.token and row["user_id"] != who.user:
            if not who.admin:
                raise missing
            access.require(who, Action.USER_MANAGE)
        people.revoke(tx, identity)
        subject = f"{row['user'] or 'workers'}/{row['name']}"
        auditing.note(tx, who.name, "token-revoke", subject, None, address(request))

    await parts.store.write(revoke)
    return Response(status_code=204)
