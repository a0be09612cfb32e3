"""Logging in with an issuer of identities: only what it proves, and only to here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from steersman.core import tokens
from steersman.core.errors import SteersmanError
from steersman.server import arrivals, oidc
from steersman.server.oidc import OidcSettings
from steersman.server.platform import Platform
from tests.server.issuers import CLIENT, FOREIGN, SECRET, Issuer, issuing
from tests.server.people import PASSWORD, Door, door

LOGIN = "/api/v1/login/oidc"
MAIL = {"email": "ada@example.com", "email_verified": True}
SESSION = "steersman_session"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


def settings(issuer: Issuer, **more: Any) -> OidcSettings:
    return OidcSettings(issuer.address, CLIENT, SECRET, **more)


def check(
    parts: Platform, known: OidcSettings | None, what: Callable[[Door], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with door(parts, known) as site:
            await what(site)

    asyncio.run(run())


async def begin(browser: httpx2.AsyncClient, goal: str = "/") -> str:
    """Return where the browser is sent."""
    answer = await browser.get(LOGIN, params={"next": goal})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def come(browser: httpx2.AsyncClient, issuer: Issuer, goal: str = "/") -> httpx2.Response:
    """Log in all the way."""
    query = issuer.log_in(await begin(browser, goal))
    return await browser.get(f"{LOGIN}/callback?{query}")


async def refused(site: Door, issuer: Issuer, status: int = 403) -> str:
    """Log in, which must be refused; return why."""
    async with site.browser() as browser:
        answer = await come(browser, issuer)
        assert answer.status_code == status, answer.text
        assert SESSION not in browser.cookies
        return str(answer.json()["detail"])


async def me(site: Door, issuer: Issuer) -> dict[str, Any]:
    """Log in; return who that is."""
    async with site.browser() as browser:
        answer = await come(browser, issuer)
        assert answer.status_code == 303, answer.text
        found: dict[str, Any] = (await browser.get("/api/v1/me")).json()
        return found


def test_who_comes_is_made_a_user_once_and_has_a_session(
    platform_on: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        async with site.browser() as browser:
            answer = await come(browser, issuer, "/projects/shop?page=2#top")
            assert answer.status_code == 303, answer.text
            assert answer.headers["location"] == "/projects/shop?page=2#top"
            assert browser.cookies[SESSION].startswith(tokens.Kind.SESSION)
            assert "steersman_login" not in browser.cookies
        issuer.person |= MAIL | {"preferred_username": "renamed"}
        found = await me(site, issuer)
        assert (found["name"], found["admin"], found["external"]) == ("ada", False, True)
        actions = [(who, action) for who, action, _ in await site.audited()]
        assert actions == [("ada", "login"), ("ada", "login"), ("OIDC", "user-add")]

    check(platform_on, settings(issuer), run)


def test_without_settings_it_is_said_that_there_is_none(platform: Platform) -> None:
    async def run(site: Door) -> None:
        for path in (LOGIN, f"{LOGIN}/callback"):
            answer = await site.http.get(path)
            assert (answer.status_code, "OpenID" in answer.text) == (404, True)

    check(platform, None, run)


NOW = int(time.time())
LIES: list[tuple[dict[str, Any], str]] = [
    ({"nonce": "another"}, "nonce"),
    ({"nonce": None}, "nonce"),
    ({"aud": "another"}, "aud"),
    ({"aud": None}, "aud"),
    ({"aud": [CLIENT, "another"]}, "azp"),
    ({"azp": "another"}, "azp"),
    ({"iss": "https://evil.example"}, "iss"),
    ({"exp": NOW - 3600}, "expired"),
    ({"exp": None}, "exp"),
    ({"exp": "soon"}, "exp"),
    ({"iat": NOW + 36000}, "future"),
    ({"nbf": NOW + 36000}, "not yet valid"),
    ({"sub": None}, "sub"),
    ({"sub": 42}, "sub"),
    ({"sub": "a\0b"}, "subject"),
    ({"sub": ""}, "subject"),
    ({"at_hash": "wrong"}, "at_hash"),
]


def test_no_lie_of_an_id_token_is_believed(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        for claims, why in LIES:
            issuer.claims = claims
            assert (claims, why in await refused(site, issuer)) == (claims, True)
        assert len((await site.get("/users"))["items"]) == 1

    check(platform, settings(issuer), run)


def test_an_id_token_that_the_issuer_did_not_sign_is_not_believed(
    platform: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        issuer.key = FOREIGN
        assert "signature" in await refused(site, issuer)
        # By whoever knows the client's secret, and by nobody at all.
        issuer.key = OctKey.import_key(SECRET * 8)
        for algorithm in ("HS256", "none"):
            issuer.header = {"alg": algorithm}
            assert "algorithm" in await refused(site, issuer)

    check(platform, settings(issuer), run)


def test_a_login_is_used_once(platform_on: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        issuer.reuse = True
        async with site.browser() as browser:
            query = issuer.log_in(await begin(browser))
            cookie = browser.cookies["steersman_login"]
            path = f"{LOGIN}/callback?{query}"
            assert (await browser.get(path)).status_code == 303
            # The browser forgot it; one that kept it is refused all the same.
            assert (await browser.get(path)).status_code == 403
            kept = {"Cookie": f"steersman_login={cookie}"}
            answer = await site.http.get(path, headers=kept)
            assert (answer.status_code, "used already" in answer.text) == (403, True)

    check(platform_on, settings(issuer), run)


def test_what_was_begun_elsewhere_does_not_end_here(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        async with site.browser() as victim, site.browser() as attacker:
            query = issuer.log_in(await begin(attacker))
            assert (await victim.get(f"{LOGIN}/callback?{query}")).status_code == 403
            await begin(victim)
            assert (await victim.get(f"{LOGIN}/callback?{query}")).status_code == 403
            assert SESSION not in victim.cookies

    check(platform, settings(issuer), run)


def test_hostile_callbacks_are_refused(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        async with site.browser() as browser:
            state = issuer.log_in(await begin(browser)).partition("state=")[2]
            for query, status in (
                ("", 403),
                (f"state={state}", 403),
                (f"state={state}&error=access_denied", 403),
                (f"state={state}&code=wrong", 403),
                (f"state={state}&code=%00", 422),
                ("state=%FF&code=x", 422),
                (f"state={state}x&code=code-0", 403),
            ):
                answer = await browser.get(f"{LOGIN}/callback?{query}")
                assert answer.status_code == status, (query, answer.text)
        for cookie in ("", "x", "AAAA", "A" * 5000, "%00", '"'):
            headers = {"Cookie": f"steersman_login={cookie}"}
            answer = await site.http.get(f"{LOGIN}/callback?state=x&code=x", headers=headers)
            assert answer.status_code == 403

    check(platform, settings(issuer), run)


def test_a_login_that_took_too_long_is_over(platform: Platform) -> None:
    begun = oidc.begin(platform, "/")
    cookie = oidc.sealed(platform, begun._replace(expires=platform.clock.now() - 1))
    with pytest.raises(SteersmanError, match="is over"):
        oidc.opened(platform, cookie, begun.state)
    assert oidc.opened(platform, oidc.sealed(platform, begun), begun.state) == begun


FOREIGN_GOALS = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "/\n/evil.example", "evil.example", "javascript:alert(1)", "", " /",
    "/a\\b", "/\0", "/é",
]  # fmt: skip


@pytest.mark.parametrize("goal", FOREIGN_GOALS)
def test_nobody_is_sent_to_another_site(goal: str) -> None:
    assert oidc.relative(goal) == "/"


@given(st.text(alphabet="/\\.:@?#a\t\n\r é", max_size=12))
def test_a_goal_is_a_path_whatever_was_asked(text: str) -> None:
    base = httpx2.URL("https://ci.example/login")
    joined = base.join(oidc.relative(text))
    assert (joined.scheme, joined.host) == ("https", "ci.example")


def test_a_foreign_goal_leads_home(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        async with site.browser() as browser:
            answer = await come(browser, issuer, "https://evil.example/")
            assert (answer.status_code, answer.headers["location"]) == (303, "/")

    check(platform, settings(issuer), run)


def test_a_disabled_user_stays_outside(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        await me(site, issuer)
        await site.do("PATCH", "/users/ada", {"disabled": True}, status=200)
        assert "disabled" in await refused(site, issuer)

    check(platform, settings(issuer), run)


def test_a_local_user_of_the_same_name_and_address_is_not_taken_over(
    platform: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        await site.user("ada", email="ada@example.com", password=PASSWORD, admin=True)
        issuer.person |= MAIL
        found = await me(site, issuer)
        assert (found["name"], found["admin"]) == ("ada-2", False)

    check(platform, settings(issuer), run)


def test_a_local_user_is_linked_only_by_a_verified_address_and_once(
    platform_on: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        await site.user("lovelace", email="Ada@Example.com")
        issuer.person |= MAIL | {"email_verified": False}
        assert (await me(site, issuer))["name"] == "ada"
        issuer.person |= MAIL | {"sub": "43"}
        assert (await me(site, issuer))["name"] == "lovelace"
        issuer.person |= {"sub": "44"}
        assert (await me(site, issuer))["name"] == "ada-2"

    check(platform_on, settings(issuer, link_by_email=True), run)


def test_strangers_stay_outside_where_the_settings_say_so(
    platform: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        assert "no user" in await refused(site, issuer)
        assert len((await site.get("/users"))["items"]) == 1

    check(platform, settings(issuer, allow_new=False), run)


def test_only_verified_addresses_of_allowed_domains_come_in(
    platform: Platform, issuer: Issuer
) -> None:
    async def run(site: Door) -> None:
        for person in (
            {},
            MAIL | {"email_verified": False},
            MAIL | {"email_verified": "true"},
            MAIL | {"email": "ada@evil.example"},
            MAIL | {"email": "ada@evil-example.com"},
            MAIL | {"email": "ada@example.com@evil.example"},
        ):
            issuer.claims = person
            await refused(site, issuer)
        issuer.claims = MAIL
        assert (await me(site, issuer))["email"] == "ada@example.com"

    check(platform, settings(issuer, allowed_domains=("Example.com",)), run)


@pytest.mark.parametrize(
    ("person", "admin"),
    [
        ({"sub": "boss"}, True),
        (MAIL, True),
        (MAIL | {"email_verified": False}, False),
        ({"sub": "ada@example.com"}, True),
        ({"preferred_username": "boss"}, False),
        ({}, False),
    ],
)
def test_admins_are_those_who_are_listed(
    platform: Platform, issuer: Issuer, person: dict[str, Any], *, admin: bool
) -> None:
    async def run(site: Door) -> None:
        issuer.person |= person
        assert (await me(site, issuer))["admin"] is admin

    check(platform, settings(issuer, admins=("boss", "ada@example.com")), run)


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"issuer": "https://evil.example"}, 502),
        ({"issuer": None}, 502),
        ({"authorization_endpoint": "http://evil.example/"}, 502),
        ({"authorization_endpoint": 1}, 502),
    ],
)
def test_an_issuer_that_is_not_itself_is_refused_in_words(
    platform: Platform, issuer: Issuer, metadata: dict[str, Any], status: int
) -> None:
    async def run(site: Door) -> None:
        issuer.metadata = metadata
        answer = await site.http.get(LOGIN)
        assert answer.status_code == status, answer.text
        assert answer.json()["hint"]

    check(platform, settings(issuer), run)


def test_an_issuer_that_is_away_is_said_to_be(platform: Platform) -> None:
    async def run(site: Door) -> None:
        answer = await site.http.get(LOGIN)
        assert (answer.status_code, "does not answer" in answer.text) == (503, True)

    with issuing() as gone:
        known = settings(gone)
    check(platform, known, run)


def test_a_wrong_secret_is_said_without_showing_it(platform: Platform, issuer: Issuer) -> None:
    async def run(site: Door) -> None:
        why = await refused(site, issuer)
        assert "invalid_client" in why
        assert "hush" not in why

    known = settings(issuer)._replace(client_secret="hush hush")
    assert "hush" not in repr(known)
    check(platform, known, run)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Ada", "ada"), ("", "user"), ("é", "user"), ("A. Lovelace", "a.-lovelace"), ("--", "user")],
)
def test_a_name_is_made_one_that_may_be(text: str, name: str) -> None:
    assert arrivals.name_of(text) == name
