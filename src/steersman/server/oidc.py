"""Logging in with whom somebody else vouches for: OpenID Connect, by code, PKCE and nonce.

Nothing of a login that is under way is kept here: it is in a cookie, sealed with our keys, for a
few minutes. The issuer's addresses and keys are read anew each time; logins are rare.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from steersman.core.errors import Forbidden, Refused, SteersmanError, Unavailable
from steersman.server.platform import Platform

LIFE = 600.0
"""Seconds a person may take at the issuer's."""
SECONDS = 10.0
LEEWAY = 60
# Never `none`, and nothing whose key the issuer shares with us.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_SEALED_AS = ("login", "oidc")
_RELATIVE = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcSettings(NamedTuple):
    """Whom we believe, and what for.

    *admins* are subjects or verified e-mail addresses. With *allow_new* whoever the issuer knows
    becomes a user, without any role; with *allowed_domains* only those with a verified e-mail
    address there come in. *link_by_email* gives a local user to whom the issuer says has verified
    the same address: only for an issuer that nobody but you hands out addresses of.
    """

    issuer: str
    client_id: str
    client_secret: str
    name: str = "OIDC"
    admins: tuple[str, ...] = ()
    allow_new: bool = True
    allowed_domains: tuple[str, ...] = ()
    link_by_email: bool = False

    def __repr__(self) -> str:
        return f"OidcSettings({self.issuer!r}, {self.client_id!r}, ...)"


class Begun(NamedTuple):
    """A login that is under way until *expires*; *goal* is where it leads in the end."""

    state: str
    nonce: str
    verifier: str
    goal: str
    expires: float


class Person(NamedTuple):
    """Whom the issuer says somebody is; *subject* is theirs alone and for ever."""

    subject: str
    name: str
    email: str
    verified: bool
    admin: bool


def relative(text: str) -> str:
    """Return *text* if it is a path on this server, else `/`: nobody is sent elsewhere."""
    return text if _RELATIVE.fullmatch(text) else "/"


def begin(parts: Platform, goal: str) -> Begun:
    """Begin a login."""
    state, nonce, verifier = (
        base64.urlsafe_b64encode(parts.clock.randomness(32)).decode().rstrip("=") for _ in range(3)
    )
    return Begun(state, nonce, verifier, relative(goal), parts.clock.now() + LIFE)


def sealed(parts: Platform, begun: Begun) -> str:
    """Write *begun* as a cookie that only we can read or make."""
    content = parts.keyring.seal(*_SEALED_AS, json.dumps(begun).encode())
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def opened(parts: Platform, cookie: str, state: str) -> Begun:
    """Return what was begun in this browser with this *state*."""
    try:
        content = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        begun = Begun(*json.loads(parts.keyring.open(*_SEALED_AS, content)))
    except (binascii.Error, ValueError, SteersmanError):
        raise _over() from None
    same = hmac.compare_digest(begun.state.encode(), state.encode("utf-8", "replace"))
    if not same or parts.clock.now() >= begun.expires:
        raise _over()
    return begun


def _over() -> Forbidden:
    return Forbidden("this login was not begun in this browser, or is over", hint="begin it again")


async def login_address(settings: OidcSettings, callback: str, begun: Begun) -> str:
    """Return where the browser is sent to log in, and then comes to *callback*."""
    async with _asking(settings, callback) as client:
        found = await _discovered(settings, client)
        address, _ = client.create_authorization_url(
            _checked(found["authorization_endpoint"]),
            state=begun.state,
            nonce=begun.nonce,
            code_verifier=begun.verifier,
        )
        return str(address)


async def identify(
    settings: OidcSettings, callback: str, begun: Begun, code: str, now: float
) -> Person:
    """Return who came back to *callback* with *code*; `Forbidden` for whatever is not proven."""
    async with _asking(settings, callback) as client:
        found = await _discovered(settings, client)
        known = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in known and "client_secret_post" in known:
            client.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - not a secret
        token = await client.fetch_token(
            _checked(found["token_endpoint"]),
            grant_type="authorization_code",
            code=code,
            code_verifier=begun.verifier,
        )
        published: Any = await _document(client, _checked(found["jwks_uri"]))
        keys = KeySet.import_key_set(published)
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        said = jwt.decode(token["id_token"], keys, registry=registry)
        options = {
            "iss": {"essential": True, "value": found["issuer"]},
            "aud": {"essential": True, "value": settings.client_id},
        }
        asked = {
            "nonce": begun.nonce,
            "client_id": settings.client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(said.claims, said.header, options, asked)
        claims.validate(now=int(now), leeway=LEEWAY)
        return _person(settings, claims)


@asynccontextmanager
async def _asking(settings: OidcSettings, callback: str) -> AsyncIterator[Any]:
    """Speak with the issuer; what goes wrong is said in our words."""
    name = settings.name
    try:
        async with AsyncOAuth2Client(
            settings.client_id,
            settings.client_secret,
            scope="openid email profile",
            redirect_uri=callback,
            code_challenge_method="S256",
            timeout=SECONDS,
        ) as client:
            yield client
    except OAuthError as error:
        raise Forbidden(f"{name} refuses this login: {str(error.error)[:100]}") from error
    except JoseError as error:
        what = str(error)[:200]
        raise Forbidden(f"what {name} says of who you are is not to be believed: {what}") from error
    except httpx2.HTTPError as error:
        raise Unavailable(f"{name} does not answer as it should", hint="try again") from error
    except (httpx2.InvalidURL, ValueError, TypeError, AttributeError, KeyError) as error:
        raise Refused(
            f"{name} does not answer in the form of OpenID Connect",
            hint="an admin should look at the settings of its issuer",
        ) from error


async def _discovered(settings: OidcSettings, client: Any) -> dict[str, Any]:
    """Return what the issuer says of itself."""
    base = _checked(settings.issuer).rstrip("/")
    found = await _document(client, f"{base}/.well-known/openid-configuration")
    if str(found["issuer"]).rstrip("/") != base:
        raise Refused(
            f"{settings.name} calls itself another issuer than the settings do",
            hint="an admin should copy the issuer from its openid-configuration",
        )
    return found


async def _document(client: Any, address: str) -> dict[str, Any]:
    answer = await client.request("GET", address, withhold_token=True)
    answer.raise_for_status()
    return dict(answer.json())


def _checked(address: str) -> str:
    """Return an address that nobody on the way can answer for; our own machine needs no TLS."""
    found = urlsplit(address)
    if found.scheme != "https" and not (found.scheme == "http" and found.hostname in _LOCAL):
        raise Refused("the issuer of logins must be asked by https", hint="change its address")
    return address


def _person(settings: OidcSettings, claims: Any) -> Person:
    subject = claims["sub"]
    if not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise Forbidden(f"{settings.name} gives you a subject that cannot be kept")
    email = _text(claims.get("email"))
    verified = bool(email) and claims.get("email_verified") is True
    listed = {each.lower() for each in settings.admins if "@" in each}
    admin = subject in settings.admins or (verified and email.lower() in listed)
    name = _text(claims.get("preferred_username")) or email.partition("@")[0]
    return Person(f"{claims['iss']}|{subject}", name, email, verified, admin)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 254 else ""
