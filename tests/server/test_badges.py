"""Badges and cctray.xml: what everybody may see, and what only some may."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest
from sqlalchemy import update

from steersman.server.platform import Platform
from steersman.store.tables import projects, runs
from tests.server.conftest import Repository, Site
from tests.server.test_deliveries import developer
from tests.server.test_hooks import Shop, shop


@asynccontextmanager
async def shown(
    parts: Platform, repository: Repository, *, public: object = True
) -> AsyncIterator[Shop]:
    """The project `shop` with one run on `main`, which succeeded."""
    async with shop(parts, repository) as at:
        settings = update(projects).values(settings={"public_badge": public})
        await parts.store.write(lambda tx: tx.execute(settings))
        await run(at.here, 1, "succeeded")
        yield at


async def run(here: Site, number: int, state: str, **columns: Any) -> None:
    """Make one more run that is in *state*."""
    wanted = {"kind": "push", "branch": "main"}
    await here.call("POST", "/api/v1/projects/shop/triggers", wanted)
    await here.plan()
    values = {"state": state, "ended": 1_700_000_000.0, **columns}
    statement = update(runs).where(runs.c.number == number).values(**values)
    changed = await here.parts.store.write(lambda tx: tx.execute(statement).rowcount)
    assert changed == 1


async def badge(here: Site, query: str = "", name: str = "shop") -> httpx2.Response:
    said = await here.http.request("GET", f"/badges/{name}/status.svg{query}")
    assert said.status_code == 200
    assert said.headers["content-type"].startswith("image/svg+xml")
    return said


def title(said: httpx2.Response) -> str:
    return str(ElementTree.fromstring(said.text)[0].text)  # noqa: S314 - we have written it


def test_a_badge_shows_how_the_newest_run_ended(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shown(platform_on, repository) as at:
            assert title(await badge(at.here)) == "build: succeeded"
            await run(at.here, 2, "failed")
            assert title(await badge(at.here)) == "build: failed"
            await run(at.here, 3, "running", ended=None)
            assert title(await badge(at.here)) == "build: failed"

    asyncio.run(story())


def test_a_badge_is_of_one_branch_or_one_workflow(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shown(platform, repository) as at:
            await run(at.here, 2, "failed", branch="next", name="nightly")
            assert title(await badge(at.here, "?branch=main")) == "build: succeeded"
            assert title(await badge(at.here, "?branch=next")) == "build: failed"
            assert title(await badge(at.here, "?workflow=nightly")) == "nightly: failed"
            assert title(await badge(at.here, "?branch=other")) == "build: unknown"

    asyncio.run(story())


def test_a_pull_request_says_nothing_of_its_target(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shown(platform, repository) as at:
            await run(at.here, 2, "failed", cause={"kind": "pull-request"})
            assert title(await badge(at.here)) == "build: succeeded"

    asyncio.run(story())


@pytest.mark.parametrize("public", [False, None, "true", 1])
def test_a_badge_that_is_not_public_looks_like_one_that_is_not_there(
    platform: Platform, repository: Repository, public: object
) -> None:
    async def story() -> None:
        async with shown(platform, repository, public=public) as at:
            hidden, missing = await badge(at.here), await badge(at.here, name="nowhere")
            assert title(hidden) == "build: unknown"
            assert hidden.content == missing.content
            assert hidden.headers == missing.headers

    asyncio.run(story())


@pytest.mark.parametrize(
    "query", ["?branch=%00", "?workflow=%00&branch=%ED%A0%80", "?branch=%27--"]
)
def test_odd_questions_get_a_badge_too(
    platform_on: Platform, repository: Repository, query: str
) -> None:
    async def story() -> None:
        async with shown(platform_on, repository) as at:
            said = await badge(at.here, query)
            assert title(said).endswith("unknown")
            assert title(await badge(at.here, name="%00")) == "build: unknown"
            hostile = await badge(at.here, "?workflow=%3Cscript%3E%26%22")
            assert title(hostile) == '<script>&": unknown'
            assert said.headers["cache-control"] == "public, max-age=60"

    asyncio.run(story())


async def cctray(here: Site, header: str) -> list[dict[str, str]]:
    said = await here.http.request("GET", "/cc.xml", headers={"Authorization": header})
    assert said.status_code == 200
    return [dict(each.attrib) for each in ElementTree.fromstring(said.text)]  # noqa: S314


def basic(password: str) -> str:
    return f"Basic {base64.b64encode(f'any:{password}'.encode()).decode()}"


def test_cctray_lists_each_project_with_its_last_run(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shown(platform_on, repository) as at:
            empty = {"name": "empty", "repository": str(repository.folder)}
            await at.here.call("POST", "/api/v1/projects", empty)
            await run(at.here, 2, "errored")
            await run(at.here, 3, "queued", ended=None)
            found = await cctray(at.here, f"Bearer {at.here.admin}")
            assert found == await cctray(at.here, basic(at.here.admin))
            first, second = found
            assert (first["name"], first["lastBuildStatus"]) == ("empty", "Unknown")
            assert "lastBuildTime" not in first
            assert (second["name"], second["lastBuildStatus"]) == ("shop", "Exception")
            assert (second["lastBuildLabel"], second["activity"]) == ("2", "Building")
            assert second["lastBuildTime"] == "2023-11-14T22:13:20Z"

    asyncio.run(story())


def test_cctray_shows_nobody_the_projects_of_others(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shown(platform, repository) as at:
            token = await developer(at)
            other = {"name": "other", "repository": str(repository.folder)}
            assert (await at.here.call("POST", "/api/v1/projects", other)).status_code == 201
            assert [each["name"] for each in await cctray(at.here, basic(token))] == ["shop"]

    asyncio.run(story())


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic ???", "Basic YQ==", "Basic /w==", "Bearer x", "Digest x"]
)
def test_cctray_asks_for_a_token(platform: Platform, repository: Repository, header: str) -> None:
    async def story() -> None:
        async with shown(platform, repository) as at:
            said = await at.here.http.request("GET", "/cc.xml", headers={"Authorization": header})
            assert said.status_code == 401
            assert said.headers["www-authenticate"].startswith("Basic")

    asyncio.run(story())


def test_a_workers_token_lists_nothing(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shown(platform, repository) as at:
            said = await at.here.call("GET", "/cc.xml", token=at.here.worker)
            assert said.status_code == 403

    asyncio.run(story())
