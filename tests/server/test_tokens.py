"""Tokens: never more than their maker, shown once, taken back at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert

from steersman.server import first_start
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import projects
from tests.server.people import PASSWORD, Door, door

DAY = 24 * 3600


async def add_project(parts: Platform, name: str) -> None:
    """Add a project whose repository nobody asks for."""
    row = {"id": parts.clock.new_id(), "name": name, "repository": "x", "settings": {}}

    def add(tx: Transaction) -> None:
        tx.execute(insert(projects), {**row, "created": tx.now})

    await parts.store.write(add)


def check(parts: Platform, what: Callable[[Door], Awaitable[None]]) -> None:
    async def run() -> None:
        async with door(parts) as site:
            await what(site)

    asyncio.run(run())


def days(token: dict[str, Any]) -> float:
    """Return how long a token lasts."""
    made, ends = (datetime.fromisoformat(token[each]) for each in ("created", "expires"))
    return (ends - made).total_seconds() / DAY


async def _shown_once(site: Door) -> None:
    made = await site.do("POST", "/tokens", {"name": "laptop", "scopes": ["read"]})
    assert (await site.get("/me", made["token"]))["token"]["scopes"] == ["read"]
    listed = (await site.get("/tokens"))["items"]
    assert [each["name"] for each in listed] == ["laptop", "first start"]
    assert made["token"] not in str(listed)
    assert days(listed[0]) == pytest.approx(90, abs=0.01)
    # Whoever finds a token may end it, though it reads only.
    await site.do("DELETE", f"/tokens/{made['id']}", token=made["token"], status=204)
    await site.get("/me", made["token"], status=401)
    assert len((await site.get("/tokens"))["items"]) == 1
    actions = [(action, subject) for _, action, subject in await site.audited()]
    assert actions == [("token-revoke", "admin/laptop"), ("token-add", "admin/laptop")]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(platform_on: Platform) -> None:
    check(platform_on, _shown_once)


async def _never_more(site: Door) -> None:
    wanted = {"name": "ci", "scopes": ["write"], "expires_in": 5 * DAY}
    writing = (await site.do("POST", "/tokens", wanted))["token"]
    await site.do("POST", "/tokens", {"name": "x", "scopes": ["admin"]}, writing, status=403)
    wanted = {"name": "x", "scopes": ["read", "trigger"], "expires_in": 80 * DAY}
    made = await site.do("POST", "/tokens", wanted, writing)
    assert days(made) == pytest.approx(5, abs=0.01)
    for refused in ("read", "trigger"):
        text = (await site.do("POST", "/tokens", {"name": "x", "scopes": [refused]}))["token"]
        await site.do("POST", "/tokens", {"name": "y", "scopes": [refused]}, text, status=403)
        await site.do("DELETE", f"/tokens/{made['id']}", token=text, status=403)


def test_a_token_never_makes_one_that_may_more_or_lasts_longer(platform: Platform) -> None:
    check(platform, _never_more)


async def _bad(site: Door) -> None:
    for body in (
        {"name": "x", "scopes": []},
        {"name": "x"},
        {"name": "x", "scopes": ["root"]},
        {"name": "", "scopes": ["read"]},
        {"name": "\ud800", "scopes": ["read"]},
        {"name": "a\0", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "expires_in": 367 * DAY},
        {"name": "x", "scopes": ["read"], "expires_in": 0},
        {"name": "x", "scopes": ["read"], "expires_in": 10**400},
        {"name": "x", "scopes": ["read"], "expires_in": 1.5},
        {"name": "x", "scopes": ["read"], "kind": "worker"},
        {"name": "x", "scopes": ["read"], "project": "a\0b"},
        {"name": "x", "kind": "hook"},
        {"name": "x", "kind": "hook", "project": "shop", "scopes": ["read"]},
        {"name": "x", "scopes": ["admin"], "project": "shop"},
    ):
        answer = await site.call("POST", "/tokens", body)
        assert answer.status_code in (400, 422), (body, answer.text)
    body = {"name": "x", "scopes": ["read"], "project": "none"}
    await site.do("POST", "/tokens", body, status=404)


def test_a_token_that_cannot_be_is_refused_in_words(platform: Platform) -> None:
    check(platform, _bad)


async def _of_one_project(site: Door) -> None:
    for name in ("shop", "other"):
        await add_project(site.parts, name)
    body = {"name": "ci", "scopes": ["write"], "project": "shop"}
    token = (await site.do("POST", "/tokens", body))["token"]
    await site.get("/projects/shop", token)
    await site.get("/projects/other", token, status=404)
    assert (await site.get("/me", token))["token"]["project"] == "shop"
    await site.get("/tokens", token, status=403)
    await site.do("POST", "/tokens", {"name": "x", "scopes": ["read"]}, token, status=403)
    body = {"name": "x", "scopes": ["read"], "project": "shop"}
    await site.do("POST", "/tokens", body, token, status=403)


def test_a_token_for_one_project_opens_nothing_else(platform: Platform) -> None:
    check(platform, _of_one_project)


async def _hooks(site: Door) -> None:
    await add_project(site.parts, "shop")
    for name, role in (("ada", "maintainer"), ("dev", "developer")):
        await site.user(name, password=PASSWORD)
        await site.do("PUT", f"/projects/shop/members/{name}", {"role": role})
    body = {"name": "post-receive", "kind": "hook", "project": "shop"}
    await site.do("POST", "/tokens", body, await site.token_of("dev"), status=403)
    made = await site.do("POST", "/tokens", body, await site.token_of("ada", "write"))
    assert (made["scopes"], made["project"], made["kind"]) == (["trigger"], "shop", "hook")
    asked = {"kind": "push", "branch": "main"}
    await site.do("POST", "/projects/shop/triggers", asked, made["token"], status=202)
    await site.do("PATCH", "/projects/shop", {}, made["token"], status=403)
    await site.get("/tokens", made["token"], status=403)


def test_a_hook_may_trigger_its_project_and_nothing_else(platform: Platform) -> None:
    check(platform, _hooks)


async def _others(site: Door) -> None:
    for name in ("ada", "eve"):
        await site.user(name, password=PASSWORD)
    adas, eves = await site.token_of("ada"), await site.token_of("eve")
    [identity] = [each["id"] for each in (await site.get("/tokens?kind=personal", adas))["items"]]
    await site.get("/tokens?user=ada", eves, status=403)
    await site.get("/tokens?kind=worker", eves, status=403)
    await site.do("DELETE", f"/tokens/{identity}", token=eves, status=404)
    seen = (await site.get("/tokens?user=ada&kind=personal"))["items"]
    assert [(each["id"], each["user"]) for each in seen] == [(identity, "ada")]
    await site.do("DELETE", f"/tokens/{identity}", status=204)
    await site.get("/me", adas, status=401)
    worker = await first_start.worker_token(site.parts, "one", None)
    [row] = (await site.get("/tokens?kind=worker"))["items"]
    assert (row["name"], row["user"]) == ("one", None)
    await site.get("/me", worker, status=403)
    await site.do("DELETE", f"/tokens/{row['id']}", status=204)
    await site.get("/me", worker, status=401)


def test_only_admins_see_and_end_the_tokens_of_others(platform: Platform) -> None:
    check(platform, _others)


async def _pages(site: Door) -> None:
    for number in range(4):
        await site.do("POST", "/tokens", {"name": str(number), "scopes": ["read"]})
    names, cursor = [], ""
    while True:
        found = await site.get(f"/tokens?limit=2&cursor={cursor}")
        names += [each["name"] for each in found["items"]]
        if not (cursor := found["next"] or ""):
            break
    assert sorted(names) == ["0", "1", "2", "3", "first start"]


def test_tokens_come_in_pages_without_a_gap(platform: Platform) -> None:
    check(platform, _pages)
