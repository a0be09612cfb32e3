"""Users: made, changed, removed, and never without an admin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from steersman.server.platform import Platform
from tests.server.people import PASSWORD, Door, door, log_in


async def _life_of_a_user(parts: Platform) -> None:
    async with door(parts) as site:
        await site.user("ada", email="ada@example.com", password=PASSWORD)
        await site.do("POST", "/users", {"name": "ada"}, status=409)
        listed = (await site.get("/users"))["items"]
        assert [each["name"] for each in listed] == ["ada", "admin"]
        assert PASSWORD not in str(listed)
        changed = await site.do("PATCH", "/users/ada", {"email": "", "admin": True}, status=200)
        assert (changed["email"], changed["admin"]) == ("", True)
        await site.do("DELETE", "/users/ada", status=204)
        await site.do("DELETE", "/users/ada", status=404)
        await site.do("PATCH", "/users/ada", {}, status=404)
        assert await site.audited() == [
            ("admin", "user-remove", "ada"),
            ("admin", "user-edit", "ada"),
            ("admin", "user-add", "ada"),
        ]
        assert PASSWORD not in str(await site.get("/audit"))


def test_a_user_is_made_changed_and_removed_on_both_databases(platform_on: Platform) -> None:
    asyncio.run(_life_of_a_user(platform_on))


async def _last_admin(site: Door) -> None:
    await site.do("DELETE", "/users/admin", status=409)
    await site.do("PATCH", "/users/admin", {"disabled": True}, status=409)
    await site.do("PATCH", "/users/admin", {"admin": False}, status=409)
    await site.user("ada", admin=True)
    await site.do("PATCH", "/users/ada", {"disabled": True}, status=200)
    # One who is disabled is nobody to rely on, and one who is not the last may go.
    await site.do("PATCH", "/users/admin", {"admin": False}, status=409)
    await site.do("DELETE", "/users/ada", status=204)
    await site.user("eve", admin=True)
    await site.do("PATCH", "/users/admin", {"admin": False}, status=200)
    await site.get("/users", status=403)


def test_the_last_admin_stays(platform: Platform) -> None:
    async def run() -> None:
        async with door(platform) as site:
            await _last_admin(site)

    asyncio.run(run())


async def _both_at_once(parts: Platform) -> None:
    async with door(parts) as site:
        await site.user("ada", admin=True)
        asked = [
            site.call("PATCH", f"/users/{name}", {"disabled": True}) for name in ("ada", "admin")
        ]
        statuses = sorted(each.status_code for each in await asyncio.gather(*asked))
        # Whoever is second is refused: as the last admin, or as somebody disabled.
        assert statuses[0] == 200
        assert statuses[1] in (401, 409)


def test_two_admins_who_disable_each_other_do_not_both_succeed(platform_on: Platform) -> None:
    asyncio.run(_both_at_once(platform_on))


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_who_is_disabled_or_removed_loses_tokens_and_sessions_at_once(
    platform: Platform, how: str
) -> None:
    async def run() -> None:
        async with door(platform) as site, site.browser() as browser:
            await site.user("ada", password=PASSWORD)
            token = await site.token_of("ada")
            await log_in(browser, "ada")
            assert (await browser.get("/api/v1/me")).json()["name"] == "ada"
            if how == "removed":
                await site.do("DELETE", "/users/ada", status=204)
            else:
                await site.do("PATCH", "/users/ada", {"disabled": True}, status=200)
            await site.get("/me", token, status=401)
            assert (await browser.get("/api/v1/me")).status_code == 401
            if how == "disabled":
                # Enabled again, one logs in again: what was ended stays so.
                await site.do("PATCH", "/users/ada", {"disabled": False}, status=200)
                await site.get("/me", token, status=401)
                assert (await browser.get("/api/v1/me")).status_code == 401

    asyncio.run(run())


async def _new_password(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    token = await site.token_of("ada")
    async with site.browser() as browser:
        await log_in(browser, "ada")
        fresh = "another long password"
        await site.do("PATCH", "/users/ada", {"password": fresh}, status=200)
        assert (await browser.get("/api/v1/me")).status_code == 401
        assert (await log_in(browser, "ada")).status_code == 401
        assert (await log_in(browser, "ada", fresh)).status_code == 200
        await site.do("PATCH", "/users/ada", {"password": None}, status=200)
        assert (await log_in(browser, "ada", fresh)).status_code == 401
    assert (await site.get("/me", token))["name"] == "ada"


def test_a_new_password_ends_sessions_and_the_old_one(platform: Platform) -> None:
    async def run() -> None:
        async with door(platform) as site:
            await _new_password(site)

    asyncio.run(run())


async def _only_admins(site: Door) -> None:
    await site.user("ada", password=PASSWORD)
    token = await site.token_of("ada")
    for method, path, body in (
        ("GET", "/users", None),
        ("POST", "/users", {"name": "eve"}),
        ("PATCH", "/users/ada", {"admin": True}),
        ("DELETE", "/users/admin", None),
    ):
        await site.do(method, path, body, token, status=403)
    assert (await site.get("/me", token))["admin"] is False
    narrow = await site.do("POST", "/tokens", {"name": "narrow", "scopes": ["write"]})
    await site.get("/users", narrow["token"], status=403)


def test_only_admins_with_a_token_for_it_manage_users(platform: Platform) -> None:
    async def run() -> None:
        async with door(platform) as site:
            await _only_admins(site)

    asyncio.run(run())


HOSTILE: list[Any] = [
    {"name": "a\0b"},
    {"name": "\ud800"},
    {"name": "Ada"},
    {"name": ""},
    {"name": "a" * 65},
    {"name": "ada\n"},
    {"name": "ada", "email": "a\0@b"},
    {"name": "ada", "email": "\ud800@b"},
    {"name": "ada", "email": "nobody"},
    {"name": "ada", "password": "short"},
    {"name": "ada", "password": 10**400},
    {"name": "ada", "admin": 1},
    {"name": "ada", "subject": "x"},
    [],
    None,
]
PATHS = [
    "/users?cursor=MTIz",
    "/users?cursor=IlwwIg",
    "/users?cursor=%00",
    "/users?limit=" + "9" * 5000,
    "/audit?author=%00",
    "/audit?cursor=" + "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw",
    "/audit?cursor=MWU5OTk",
    "/tokens?user=%00",
    "/tokens?cursor=MTIz",
    "/projects/a%00b/members",
]


async def _hostile(parts: Platform) -> None:
    async with door(parts) as site:
        for body in HOSTILE:
            answer = await site.call("POST", "/users", body)
            assert answer.status_code in (400, 422), (body, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        for path in PATHS:
            answer = await site.call("GET", path)
            assert answer.status_code in (400, 404, 422), (path, answer.text)
        for path in ("/users/a%00b", "/users/%FF", "/tokens/%00"):
            assert (await site.call("DELETE", path)).status_code == 422
        password = {"name": "ada", "password": "\ud800\0 and so on"}
        await site.do("POST", "/users", password)


def test_hostile_values_are_refused_in_words(platform_on: Platform) -> None:
    asyncio.run(_hostile(platform_on))
