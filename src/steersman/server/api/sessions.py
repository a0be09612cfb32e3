"""Sessions of browsers: begun with a password or by an issuer of identities, and ended."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, with_config
from typing_extensions import TypedDict

from steersman.core import tokens
from steersman.core.errors import Forbidden, NotFound, Unknown, UserError
from steersman.core.permissions import EVERY_SCOPE
from steersman.core.tokens import Kind
from steersman.server import access, auditing, login_limits, oidc, passwords
from steersman.server.access import Parts, Who
from steersman.server.answers import answer
from steersman.server.api.users import NAME
from steersman.server.arrivals import Arrival
from steersman.server.checked import STRICT
from steersman.server.login_limits import address
from steersman.server.oidc import OidcSettings
from steersman.server.platform import Platform
from steersman.store import people
from steersman.store.base import Row, Transaction

router = APIRouter(tags=["sessions"])
log = logging.getLogger("steersman.server")
LIFE = 12 * 3600
LOGIN_COOKIE = "steersman_login"
# Nothing here may be kept by anybody on the way.
FRESH = {"Cache-Control": "no-store"}
Visible = Annotated[str, Query(max_length=4000, pattern=r"^[\x20-\x7e]*$")]


@with_config(STRICT)
class Login(TypedDict):
    """Who wants in."""

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=passwords.MOST)]


@router.post("/login")
async def log_in(request: Request, body: Login, parts: Parts) -> Response:
    """Begin a session of a browser."""
    refuse_foreign(request, parts)
    name, asker = body["name"], address(request)
    wait = login_limits.of(request).wait(asker, name, parts.clock.now())
    if wait:
        return login_limits.too_many(wait)
    row = None
    if re.fullmatch(NAME, name):
        row = await parts.store.read(lambda tx: people.user(tx, name))
    fits = await passwords.matches(row["password"] if row else None, body["password"])
    if row is None or row["disabled"] or not fits:
        log.warning("login_failed: name=%r address=%s", name, asker)
        raise _wrong()
    text, session = new_session(parts)

    def begin(tx: Transaction) -> None:
        # Checking took a while: the user may have been disabled, or the password changed.
        fresh = people.user_of(tx, row["id"])
        if fresh is None or fresh["disabled"] or fresh["password"] != row["password"]:
            raise _wrong()
        _open(tx, fresh, session, {"by": "password"}, asker)

    await parts.store.write(begin)
    response = answer(request, {"name": row["name"]}, headers=FRESH)
    set_cookie(response, request, parts, text)
    return response


def _wrong() -> Unknown:
    return Unknown("the name or the password is wrong")


def refuse_foreign(request: Request, parts: Platform) -> None:
    """Another site's page must not log anybody in as somebody else."""
    origin = request.headers.get("origin", "")
    own = {str(request.base_url).rstrip("/"), parts.settings.url.rstrip("/")}
    if origin and origin.rstrip("/") not in own:
        raise Forbidden("this came from another site's page")


def new_session(parts: Platform) -> tuple[str, dict[str, str]]:
    """Return a token, and what is stored of it."""
    text = tokens.make(Kind.SESSION, parts.clock.randomness(20))
    return text, {"id": parts.clock.new_id(), "digest": tokens.digest(text)}


def _open(tx: Transaction, user: Row, session: dict[str, str], detail: object, asker: str) -> None:
    scopes = [scope.value for scope in EVERY_SCOPE]
    row = {"user_id": user["id"], "kind": Kind.SESSION.value, "name": "browser", "scopes": scopes}
    people.add_token(tx, {**row, **session, "expires": tx.now + LIFE})
    auditing.note(tx, user["name"], "login", user["name"], detail, asker)


def set_cookie(response: Response, request: Request, parts: Platform, text: str) -> None:
    """Hand the browser its session, where no script of a page can read it."""
    response.set_cookie(
        access.COOKIE,
        text,
        max_age=LIFE,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, parts),
    )


def _is_secure(request: Request, parts: Platform) -> bool:
    settings = parts.settings
    by_tls = request.url.scheme == "https" or settings.url.startswith("https:")
    return settings.secure_cookies or by_tls


@router.post("/logout", status_code=204)
async def log_out(request: Request, parts: Parts, who: Who) -> Response:
    """End the session that asks."""
    if who.kind is not Kind.SESSION:
        raise UserError("this is no session of a browser", hint="DELETE /tokens/{id} ends a token")

    def end(tx: Transaction) -> None:
        people.revoke(tx, who.token)
        auditing.note(tx, who.name, "logout", who.name, None, address(request))

    await parts.store.write(end)
    response = Response(status_code=204)
    response.delete_cookie(access.COOKIE, path="/", httponly=True, samesite="lax")
    return response


def _issuer(request: Request) -> OidcSettings:
    found: OidcSettings | None = getattr(request.app.state, "oidc", None)
    if found is None:
        raise NotFound("this server has no OpenID Connect", hint="log in with a password")
    return found


def _callback(request: Request, parts: Platform) -> str:
    path = request.app.url_path_for("come_back")
    return parts.settings.url.rstrip("/") + str(path)


@router.get("/login/oidc", status_code=303)
async def go_to_issuer(
    request: Request, parts: Parts, goal: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Send the browser to the issuer, and afterwards to the path *next*."""
    settings = _issuer(request)
    wait = login_limits.of(request).wait(address(request), None, parts.clock.now())
    if wait:
        return login_limits.too_many(wait)
    begun = oidc.begin(parts, goal[:2000])
    target = await oidc.login_address(settings, _callback(request, parts), begun)
    response = Response(status_code=303, headers={"Location": target, **FRESH})
    response.set_cookie(
        LOGIN_COOKIE,
        oidc.sealed(parts, begun),
        max_age=int(oidc.LIFE),
        path=request.app.url_path_for("go_to_issuer"),
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, parts),
    )
    return response


@router.get("/login/oidc/callback", status_code=303)
async def come_back(
    request: Request, parts: Parts, state: Visible = "", code: Visible = "", error: Visible = ""
) -> Response:
    """Begin a session for whom the issuer vouches for."""
    settings = _issuer(request)
    begun = oidc.opened(parts, request.cookies.get(LOGIN_COOKIE, ""), state)
    if error or not code:
        raise Forbidden(f"{settings.name} did not let you in: {error[:100] or 'without a reason'}")
    callback = _callback(request, parts)
    person = await oidc.identify(settings, callback, begun, code, parts.clock.now())
    text, session = new_session(parts)
    asker = address(request)
    arrival = Arrival(settings, person, parts.clock.new_id(), asker)
    used = hashlib.sha256(f"oidc\0{begun.state}".encode()).hexdigest()

    def arrive(tx: Transaction) -> None:
        if not people.use_once(tx, used):
            raise Forbidden("this login was used already", hint="begin it again")
        _open(tx, arrival.user(tx), session, {"by": settings.name}, asker)

    await parts.store.write(arrive)
    response = Response(status_code=303, headers={"Location": begun.goal, **FRESH})
    response.delete_cookie(LOGIN_COOKIE, path=request.app.url_path_for("go_to_issuer"))
    set_cookie(response, request, parts, text)
    return response
