"""Sessions: logging in with a password, and being kept from trying many."""

from __future__ import annotations

import asyncio

import pytest

from steersman.clock import SetClock
from steersman.server import login_limits, passwords
from steersman.server.login_limits import LoginLimits
from steersman.server.platform import Platform
from tests.server.conftest import URL
from tests.server.people import PASSWORD, Door, door, log_in
from tests.server.test_tokens import check

OWN = {"Origin": URL}
COOKIE = "steersman_session"


async def _in_and_out(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    async with site.browser() as browser:
        answer = await log_in(browser, "ada")
        assert (answer.status_code, answer.json()) == (200, {"name": "ada"})
        said = answer.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=lax", "path=/", f"max-age={12 * 3600}"):
            assert part in said
        assert "secure" not in said
        text = browser.cookies[COOKIE]
        me = (await browser.get("/api/v1/me")).json()
        assert (me["name"], me["token"]["kind"]) == ("ada", "session")
        assert (await browser.post("/api/v1/logout")).status_code == 403
        assert (await browser.post("/api/v1/logout", headers=OWN)).status_code == 204
        assert COOKIE not in browser.cookies
        await site.get("/me", text, status=401)
        assert (await browser.get("/api/v1/me")).status_code == 401
    assert [each[1] for each in await site.audited()] == ["logout", "login", "user-add"]


def test_a_session_begins_with_a_password_and_ends_with_logging_out(
    platform_on: Platform,
) -> None:
    check(platform_on, _in_and_out)


async def _refused(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    await site.user("bare")
    await site.user("gone", password=PASSWORD)
    await site.do("PATCH", "/users/gone", {"disabled": True}, status=200)
    said = set()
    async with site.browser() as browser:
        for name, password in (
            ("ada", "wrong password"),
            ("nobody", PASSWORD),
            ("bare", "nobody has this"),
            ("bare", ""),
            ("gone", PASSWORD),
            ("\0", PASSWORD),
            ("ada", "\0"),
        ):
            answer = await log_in(browser, name, password)
            assert answer.status_code == 401, (name, answer.text)
            assert "set-cookie" not in answer.headers
            said.add(answer.text)
        for body in ({}, {"name": "ada"}, {"name": 1, "password": "x"}, {"name": "a" * 10_000}):
            assert (await browser.post("/api/v1/login", json=body)).status_code == 422
    assert len(said) == 1


def test_whatever_is_wrong_the_answer_is_the_same(platform: Platform) -> None:
    check(platform, _refused)


async def _foreign(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    body = {"name": "ada", "password": PASSWORD}
    async with site.browser() as browser:
        for origin in ("https://evil.example", "null", f"{URL}.evil.example"):
            answer = await browser.post("/api/v1/login", json=body, headers={"Origin": origin})
            assert (answer.status_code, dict(browser.cookies)) == (403, {})
        # A program that is no browser sends none.
        assert (await browser.post("/api/v1/login", json=body)).status_code == 200


def test_a_page_of_another_site_logs_nobody_in(platform: Platform) -> None:
    check(platform, _foreign)


@pytest.mark.parametrize("how", ["secure_cookies", "url"])
def test_a_cookie_is_secure_where_the_server_is(platform: Platform, how: str) -> None:
    changes = {"secure_cookies": True} if how == "secure_cookies" else {"url": "https://ci.test"}

    async def run() -> None:
        settings = platform.settings._replace(**changes)
        async with door(platform._replace(settings=settings)) as site, site.browser() as browser:
            await site.user("ada", password=PASSWORD)
            said = (await log_in(browser, "ada")).headers["set-cookie"].lower()
            assert "; secure" in said

    asyncio.run(run())


async def _limited(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    burst = int(login_limits.NAMES.burst)
    async with site.browser() as browser, site.browser("192.0.2.2") as other:
        for _ in range(burst):
            assert (await log_in(browser, "ada", "wrong password")).status_code == 401
        # From wherever it comes, and though it were right.
        answer = await log_in(other, "ada")
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert (await log_in(other, "admin", "wrong password")).status_code == 401


def test_many_tries_at_one_name_must_wait(platform: Platform) -> None:
    clock = SetClock(1_000_000.0)
    check(platform._replace(clock=clock), _limited)


def test_many_names_from_one_address_must_wait_and_cost_the_names_nothing() -> None:
    limits, burst = LoginLimits(), int(login_limits.ADDRESSES.burst)
    for number in range(burst):
        assert limits.wait("192.0.2.1", f"name-{number}", 0.0) == 0.0
    for _ in range(100):
        assert limits.wait("192.0.2.1", "ada", 0.0) > 0
    assert limits.wait("192.0.2.2", "ada", 0.0) == 0.0
    assert limits.wait("192.0.2.1", "ada", 1 / login_limits.ADDRESSES.rate) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "testclient", False),
    ],
)
def test_addresses_of_one_owner_count_as_one(one: str, other: str, *, same: bool) -> None:
    limits = LoginLimits()
    for _ in range(int(login_limits.ADDRESSES.burst)):
        limits.wait(one, None, 0.0)
    assert (limits.wait(other, None, 0.0) > 0) is same


async def _not_a_session(site: Door) -> None:
    await site.do("POST", "/logout", status=400)
    await site.get("/me")


def test_logging_out_does_not_end_a_personal_token(platform: Platform) -> None:
    check(platform, _not_a_session)


def test_a_session_ends_after_its_time(platform: Platform) -> None:
    clock = SetClock(1_000_000.0)
    store = platform.store
    store.clock = clock

    async def run() -> None:
        async with door(platform._replace(clock=clock)) as site, site.browser() as browser:
            await site.user("ada", password=PASSWORD)
            await log_in(browser, "ada")
            text = browser.cookies[COOKIE]
            clock.time += 12 * 3600 - 1
            assert (await site.get("/me", text))["name"] == "ada"
            clock.time += 1
            await site.get("/me", text, status=401)

    asyncio.run(run())


def test_a_stored_password_that_is_none_opens_nothing() -> None:
    async def run() -> None:
        stored = await passwords.hashed(PASSWORD)
        assert PASSWORD not in stored
        assert await passwords.matches(stored, PASSWORD)
        for wrong in ("", "broken", "$argon2id$", stored[:-3]):
            assert not await passwords.matches(wrong, PASSWORD)
        assert not await passwords.matches(None, "nobody has this")

    asyncio.run(run())
