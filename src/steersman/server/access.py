"""Who asks, and whether they may: by bearer token, or by the browser's session."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from steersman.core import permissions, tokens
from steersman.core.errors import Forbidden, NotFound, Unknown
from steersman.core.permissions import Action, Grant, Role, Scope
from steersman.server.platform import Platform
from steersman.store import access
from steersman.store.base import Row

COOKIE = "steersman_session"
REMEMBER = 60.0
"""Seconds in which a token's use is noted once."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# They let everybody through: all they do is to stand in /openapi.json.
_TOKEN = HTTPBearer(
    scheme_name="token", description="of a person, a hook or a worker", auto_error=False
)
_ATTEMPT_TOKEN = HTTPBearer(
    scheme_name="attempt", description="of one attempt, for its runner", auto_error=False
)
Described = Annotated[object, Security(_TOKEN)]
DescribedAttempt = Annotated[object, Security(_ATTEMPT_TOKEN)]


class Caller(NamedTuple):
    """Who asks. *project* is set for a token that opens only one project."""

    user: str
    name: str
    admin: bool
    scopes: frozenset[Scope]
    token: str
    kind: tokens.Kind
    project: str | None = None

    def grant(self, role: str | None) -> Grant:
        return Grant(Role(role) if role else None, self.admin, self.scopes)


class Seen(NamedTuple):
    """A project, and who asks for it."""

    project: Row
    caller: Caller


async def platform_of(request: Request) -> Platform:
    """Return the server's parts. A plain function would be called in a thread, each time."""
    return platform(request)


def platform(request: Request) -> Platform:
    """Return the server's parts."""
    found: Platform = request.app.state.platform
    return found


def bearer(request: Request) -> str | None:
    """Return the token of the `Authorization` header."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None


async def known(request: Request, _: Described = None) -> Caller:
    """Return who asks, a person or a worker; `Unknown` without a token that works."""
    text = bearer(request)
    if text is None and (text := request.cookies.get(COOKIE)) is not None:
        _refuse_foreign(request)
    if text is None:
        raise Unknown("this needs a token", hint="send `Authorization: Bearer ...` (steer login)")
    return await identify(platform(request), text)


async def caller(found: Annotated[Caller, Depends(known)]) -> Caller:
    """Return the person that asks."""
    if found.kind is tokens.Kind.WORKER:
        raise Forbidden("this is for people, and the token is a worker's", hint="`steer login`")
    return found


def _refuse_foreign(request: Request) -> None:
    """A browser sends its cookie whoever wrote the page: others may not change anything."""
    if request.method in SAFE:
        return
    origin = request.headers.get("origin")
    own = {str(request.base_url).rstrip("/"), platform(request).settings.url.rstrip("/")}
    if origin is None or origin.rstrip("/") not in own:
        raise Forbidden("this came from another site's page")


async def identify(parts: Platform, text: str) -> Caller:
    """Return whose token *text* is."""
    kind = tokens.kind_of(text)
    if kind is None or kind is tokens.Kind.ATTEMPT:
        mistyped = tokens.is_mistyped(text)
        raise Unknown("the token was mistyped" if mistyped else "the token is not known here")
    digest = tokens.digest(text)
    row = await parts.store.read(lambda tx: access.of_digest(tx, digest))
    if row is None or row["disabled"]:
        raise Unknown("the token is not known here")
    now = parts.clock.now()
    if row["revoked"] is not None or (row["expires"] is not None and now >= row["expires"]):
        raise Unknown("the token has expired or was revoked", hint="log in again")
    if row["used"] is None or now - row["used"] > REMEMBER:
        await parts.store.write(lambda tx: access.used(tx, row["id"]))
    return Caller(
        user=row["user_id"] or "",
        name=row["user_name"] or row["name"],
        admin=bool(row["admin"]),
        scopes=frozenset(Scope(each) for each in row["scopes"] or ()),
        token=row["id"],
        kind=kind,
        project=row["project_id"],
    )


async def worker(found: Annotated[Caller, Depends(known)]) -> Caller:
    """Return the worker that asks."""
    if found.kind is not tokens.Kind.WORKER:
        raise Forbidden("this is for workers", hint="make a token by `steer worker token`")
    return found


async def attempt(request: Request, _: DescribedAttempt = None) -> str:
    """Return the id of the attempt whose runner asks; whether it may is for its state to say."""
    text = bearer(request) or ""
    found = tokens.attempt_of(platform(request).settings.attempt_key, text)
    if found is None:
        raise Unknown("this needs the token of an attempt")
    return found


async def asking_worker(request: Request) -> Caller:
    """Return the worker that asks, without the framework."""
    return await worker(await known(request))


async def asking_person(request: Request) -> Caller:
    """Return the person that asks, without the framework."""
    return await caller(await known(request))


def require(who: Caller, action: Action, role: str | None = None) -> None:
    """Raise `Forbidden` unless *who* may do *action*."""
    least = permissions.LEAST[action]
    # A token of one project has no say in what is everybody's.
    fits = least is not None or who.project is None
    if fits and permissions.allows(who.grant(role), action):
        return
    needed = f"the role {least}" if least else "an admin"
    raise Forbidden(f"{who.name} may not do this: {action} takes {needed} and a token for it")


async def project(parts: Platform, who: Caller, name: str, action: Action) -> Row:
    """Return a project in which *who* may do *action*.

    One that may not even be seen is as if it did not exist.
    """
    named = name.replace("\0", "")
    found = await parts.store.read(lambda tx: access.project_and_role(tx, named, who.user))
    missing = NotFound(f"there is no project {name[:100]}", hint="`steer project list` names them")
    if found is None:
        raise missing
    row, role = found
    if who.project not in (None, row["id"]):
        raise missing
    if not permissions.allows(who.grant(role), Action.SEE):
        if role is None and not who.admin:
            raise missing
        require(who, Action.SEE, role)
    require(who, action, role)
    return row


Parts = Annotated[Platform, Depends(platform_of)]
Who = Annotated[Caller, Depends(caller)]
Worker = Annotated[Caller, Depends(worker)]
AttemptId = Annotated[str, Depends(attempt)]
