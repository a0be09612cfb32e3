"""How one may log in here, and sessions of browsers that begin with a token of one's own."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field, with_config
from typing_extensions import TypedDict

from steersman.core.errors import Unknown
from steersman.core.tokens import Kind
from steersman.server import access, auditing, login_limits
from steersman.server.access import Caller, Parts
from steersman.server.answers import answer
from steersman.server.api import sessions
from steersman.server.checked import STRICT
from steersman.server.login_limits import address
from steersman.server.oidc import OidcSettings
from steersman.store import people
from steersman.store.base import Transaction

router = APIRouter(tags=["sessions"])
log = logging.getLogger("steersman.server")


@with_config(STRICT)
class ByToken(TypedDict):
    """A personal token of whoever wants in."""

    token: Annotated[str, Field(max_length=200)]


@router.get("/login")
async def show_ways_in(request: Request) -> Response:
    """Say how one may log in: whom this server asks besides itself."""
    issuer: OidcSettings | None = getattr(request.app.state, "oidc", None)
    return answer(request, {"oidc": {"name": issuer.name} if issuer else None})


@router.post("/login/token")
async def log_in_by_token(request: Request, body: ByToken, parts: Parts) -> Response:
    """Begin a session of a browser that may do what the token may, no longer than it lasts."""
    sessions.refuse_foreign(request, parts)
    asker = address(request)
    wait = login_limits.of(request).wait(asker, None, parts.clock.now())
    if wait:
        return login_limits.too_many(wait)
    try:
        who = await access.identify(parts, body["token"].strip())
        if who.kind is not Kind.PERSONAL:
            hint = "that of a worker or of a hook lets nobody in"
            raise Unknown("this is no token of a person", hint=hint)
    except Unknown:
        log.warning("login_failed: by token, address=%s", asker)
        raise
    text, session = sessions.new_session(parts)
    await parts.store.write(lambda tx: _begin(tx, who, session, asker))
    response = answer(request, {"name": who.name}, headers=sessions.FRESH)
    sessions.set_cookie(response, request, parts, text)
    return response


def _begin(tx: Transaction, who: Caller, session: dict[str, str], asker: str) -> None:
    token = people.token(tx, who.token)
    if token is None or token["revoked"] is not None:
        raise Unknown("the token was revoked meanwhile")
    ends = [tx.now + sessions.LIFE]
    if token["expires"] is not None:
        ends.append(token["expires"])
    row = {"user_id": who.user, "kind": Kind.SESSION.value, "name": "browser"}
    limits = {"scopes": sorted(who.scopes), "project_id": who.project, "expires": min(ends)}
    people.add_token(tx, {**row, **session, **limits})
    auditing.note(tx, who.name, "login", who.name, {"by": "token"}, asker)
