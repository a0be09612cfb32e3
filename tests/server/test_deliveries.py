"""What webhooks brought: listed, shown without what proves the sender, and read once more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert

from steersman.core import tokens
from steersman.core.forges import Forge
from steersman.core.permissions import Scope
from steersman.server.answers import to_cursor
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import deliveries, members, users
from steersman.store.tables import tokens as token_table
from tests.server.conftest import Repository
from tests.server.test_hooks import SECRET, Shop, shop, signed

PATH = "/api/v1/projects/shop/deliveries"


async def listed(at: Shop, query: str = "") -> Any:
    said = await at.here.call("GET", PATH + query)
    assert said.status_code == 200
    return said.json()


async def developer(at: Shop) -> str:
    """Return a token of somebody who may trigger and see the project, not edit it."""
    token = tokens.make(tokens.Kind.PERSONAL, b"0123456789abcdefghij")

    def add(tx: Transaction) -> None:
        found = at.here.parts.clock
        user, project = found.new_id(), tx.connection.exec_driver_sql("SELECT id FROM projects")
        tx.execute(insert(users), {"id": user, "name": "dana", "created": tx.now})
        role = {"project_id": project.scalar_one(), "user_id": user, "role": "developer"}
        tx.execute(insert(members), role)
        row = {"id": found.new_id(), "user_id": user, "kind": "steer_pat_", "name": "of dana"}
        known = {"digest": tokens.digest(token), "scopes": [scope.value for scope in Scope]}
        tx.execute(insert(token_table), {**row, **known, "created": tx.now})

    await at.here.parts.store.write(add)
    return token


@pytest.mark.parametrize(
    ("forge", "payload"), [(Forge.GITHUB, "github_push"), (Forge.GITLAB, "gitlab_push")]
)
def test_a_delivery_is_shown_whole_but_for_what_proved_its_sender(
    platform: Platform, repository: Repository, forge: Forge, payload: str
) -> None:
    async def story() -> None:
        async with shop(platform, repository, forge) as at:
            made = (await at.send(payload)).json()
            (only,) = (await listed(at))["items"]
            assert (only["id"], only["delivery"]) == (made["id"], "one")
            assert (only["forge"], only["triggers"]) == (forge.value, made["triggers"])
            shown = await at.here.call("GET", f"{PATH}/{made['id']}")
            assert shown.json()["body"].startswith("{")
            kept = shown.json()["headers"]
            assert not [name for name in kept if "signature" in name or "token" in name]
            proof = set(signed(forge, shown.json()["body"].encode()).values()) | {SECRET}
            assert not proof & set(kept.values())
            assert len(kept) > 2

    asyncio.run(story())


def test_a_delivery_that_is_read_once_more_runs_anew(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            made = (await at.send("github_push")).json()
            assert len(await at.runs()) == 1
            again = await at.here.call("POST", f"{PATH}/{made['id']}/redeliver")
            assert again.status_code == 202
            assert again.json()["triggers"] != made["triggers"]
            first, second = await at.runs()
            assert first["commit"] == second["commit"] == at.commit
            (only,) = (await listed(at))["items"]
            assert only["triggers"] == made["triggers"] + again.json()["triggers"]

    asyncio.run(story())


def test_a_request_for_it_that_is_sent_twice_runs_once(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            repository.git("update-ref", "refs/pull/17/head", at.commit)
            made = (await at.send("github_pull_request")).json()
            path, key = f"{PATH}/{made['id']}/redeliver", {"Idempotency-Key": "k"}
            answers = [await at.here.call("POST", path, headers=key) for _ in range(2)]
            assert answers[0].json() == answers[1].json()
            assert len(await at.runs()) == 2

    asyncio.run(story())


def test_a_delivery_that_asks_for_nothing_still_asks_for_nothing(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            headers = signed(Forge.GITHUB, b"{}") | {"x-github-event": "ping"}
            made = (await at.post(b"{}", headers)).json()
            again = await at.here.call("POST", f"{PATH}/{made['id']}/redeliver")
            assert again.json() == made
            assert await at.triggers() == []

    asyncio.run(story())


def test_a_body_that_is_no_longer_kept_cannot_be_read(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            made = (await at.send("github_push")).json()
            gone = deliveries.update().values(body=None)
            await at.here.parts.store.write(lambda tx: tx.execute(gone))
            again = await at.here.call("POST", f"{PATH}/{made['id']}/redeliver")
            assert again.status_code == 409
            assert (await at.here.call("GET", f"{PATH}/{made['id']}")).json()["body"] == ""

    asyncio.run(story())


def test_deliveries_come_in_pages_the_newest_first(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            for number in range(3):
                body = b"{}" + b" " * number
                headers = signed(Forge.GITHUB, body) | {"x-github-event": "ping"}
                await at.post(body, headers)
            first = await listed(at, "?limit=2")
            second = await listed(at, f"?limit=2&cursor={first['next']}")
            ids = [each["id"] for each in first["items"] + second["items"]]
            assert len(ids) == 3
            assert ids == sorted(ids, reverse=True)
            assert second["next"] is None

    asyncio.run(story())


@pytest.mark.parametrize("cursor", [5, "nul\0", "\ud800", 1e300, "x" * 26])
def test_a_cursor_that_is_none_of_ours_is_refused(
    platform_on: Platform, repository: Repository, cursor: object
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            said = await at.here.call("GET", f"{PATH}?cursor={to_cursor(cursor)}")
            assert said.status_code == 400

    asyncio.run(story())


def test_deliveries_are_for_those_who_may_edit_the_project(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            made = (await at.send("github_push")).json()
            token = await developer(at)
            shop_path = "/api/v1/projects/shop"
            for method, path in (
                ("GET", PATH),
                ("GET", f"{PATH}/{made['id']}"),
                ("POST", f"{PATH}/{made['id']}/redeliver"),
                ("POST", f"{shop_path}/webhook-secret"),
                ("GET", f"{shop_path}/post-receive"),
            ):
                assert (await at.here.call(method, path, token=token)).status_code == 403
                assert (await at.here.http.request(method, path)).status_code == 401

    asyncio.run(story())


@pytest.mark.parametrize("identity", ["nothing", "%00", "0" * 26, "%ED%A0%80"])
def test_a_delivery_that_is_not_there_is_not_found(
    platform_on: Platform, repository: Repository, identity: str
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            assert (await at.here.call("GET", f"{PATH}/{identity}")).status_code == 404

    asyncio.run(story())
