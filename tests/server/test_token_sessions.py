"""Sessions of browsers that begin with a token, and how one may log in."""

from __future__ import annotations

from typing import Any

import httpx2

from steersman.server import login_limits
from steersman.server.oidc import OidcSettings
from steersman.server.platform import Platform
from tests.server.conftest import URL
from tests.server.people import PASSWORD, Door
from tests.server.test_tokens import check

OWN = {"Origin": URL}
COOKIE = "steersman_session"


async def enter(browser: httpx2.AsyncClient, token: str, **headers: str) -> httpx2.Response:
    body = {"token": token}
    return await browser.post("/api/v1/login/token", json=body, headers={**OWN, **headers})


async def _let_in(site: Door) -> None:
    async with site.browser() as browser:
        answer = await enter(browser, f" {site.admin}\n")
        assert (answer.status_code, answer.json()) == (200, {"name": "admin"})
        said = answer.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=lax", "path=/", f"max-age={12 * 3600}"):
            assert part in said
        me = (await browser.get("/api/v1/me")).json()
        assert (me["name"], me["token"]["kind"]) == ("admin", "session")
        assert (await browser.post("/api/v1/logout", headers=OWN)).status_code == 204
    assert [each[1] for each in await site.audited()] == ["logout", "login"]


def test_who_has_a_token_begins_a_session_with_it(platform_on: Platform) -> None:
    check(platform_on, _let_in)


async def _no_more(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    await site.do("POST", "/projects", {"name": "shop", "repository": "/srv/shop.git"})
    wanted = {"name": "ci", "scopes": ["read"], "project": "shop", "expires_in": 60}
    made = await site.do("POST", "/tokens", wanted)
    async with site.browser() as browser:
        assert (await enter(browser, made["token"])).status_code == 200
        me = (await browser.get("/api/v1/me")).json()["token"]
        assert (me["scopes"], me["project"]) == (["read"], "shop")
        assert me["expires"] == made["expires"]
        assert (await browser.get("/api/v1/projects/shop")).status_code == 200
        refused = await browser.post("/api/v1/projects/shop/triggers", json={}, headers=OWN)
        assert refused.status_code == 403


def test_a_session_may_and_lasts_no_more_than_its_token(platform: Platform) -> None:
    check(platform, _no_more)


async def _refused(site: Door) -> None:
    await site.do("POST", "/projects", {"name": "shop", "repository": "/srv/shop.git"})
    hook = await site.do("POST", "/tokens", {"name": "h", "kind": "hook", "project": "shop"})
    over = await site.do("POST", "/tokens", {"name": "o", "scopes": ["read"]})
    await site.do("DELETE", f"/tokens/{over['id']}", status=204)
    tokens: dict[str, Any] = {
        "wrong": "steer_pat_nothing",
        "a hook's": hook["token"],
        "taken back": over["token"],
        "empty": "",
    }
    async with site.browser() as browser:
        for what, token in tokens.items():
            answer = await enter(browser, token)
            assert (what, answer.status_code) == (what, 401)
            assert COOKIE not in browser.cookies
        foreign = await enter(browser, site.admin, Origin="https://elsewhere.example")
        assert foreign.status_code == 403
        for _ in range(int(login_limits.ADDRESSES.burst)):
            answer = await enter(browser, "steer_pat_nothing")
        assert answer.status_code == 429


def test_no_other_token_and_no_other_page_begins_a_session(platform: Platform) -> None:
    check(platform, _refused)


async def _ways(site: Door) -> None:
    async with site.browser() as browser:
        assert (await browser.get("/api/v1/login")).json() == {"oidc": None}
        site.app.state.oidc = OidcSettings("https://issuer.example", "id", "secret", "Example")
        assert (await browser.get("/api/v1/login")).json() == {"oidc": {"name": "Example"}}


def test_the_ways_in_are_told_to_everybody(platform: Platform) -> None:
    check(platform, _ways)
