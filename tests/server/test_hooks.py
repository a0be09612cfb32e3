"""Webhooks of every forge, from the signed request to the run; and whose are refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import pytest
from sqlalchemy import select, update

from steersman.core.forges import Forge
from steersman.server.api import badges, deliveries, hooks
from steersman.server.platform import Platform
from steersman.store.tables import answers, runs, triggers
from tests.core.forges import samples
from tests.server.conftest import Repository, Site, site

OUTSIDE = ((hooks.router, "/api/v1"), (deliveries.router, "/api/v1"), (badges.router, ""))
SECRET = "flotsam-and-jetsam"
FILE = """\
box: busybox
build:
  steps: [{script: {code: echo}}]
workflows:
  - name: all
    on: {events: [push, tag, pull-request]}
    pipelines: [{name: build}]
"""


def signed(forge: Forge, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the header by which each forge proves that it knows the secret."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        Forge.GITHUB: {"x-hub-signature-256": f"sha256={digest}"},
        Forge.GITLAB: {"x-gitlab-token": secret},
        Forge.GITEA: {"x-gitea-signature": digest},
        Forge.BITBUCKET: {"x-hub-signature": f"sha256={digest}"},
    }[forge]


def identified(forge: Forge, delivery: str) -> dict[str, str]:
    """Return the header by which each forge names a delivery."""
    names = {
        Forge.GITHUB: "x-github-delivery",
        Forge.GITLAB: "x-gitlab-event-uuid",
        Forge.GITEA: "x-gitea-delivery",
        Forge.BITBUCKET: "x-request-uuid",
    }
    return {names[forge]: delivery}


class Shop(NamedTuple):
    """A server with the project `shop` at one forge, whose webhook has a secret."""

    here: Site
    repository: Repository
    forge: Forge
    commit: str

    async def post(
        self, body: bytes, headers: Mapping[str, str], project: str = "shop"
    ) -> httpx2.Response:
        path = f"/api/v1/hooks/{self.forge}/{project}"
        return await self.here.http.request("POST", path, content=body, headers=dict(headers))

    async def send(
        self, name: str, *changes: tuple[str, object], delivery: str = "one", secret: str = SECRET
    ) -> httpx2.Response:
        """Send a payload about the newest commit, as its forge does."""
        text = json.dumps(samples.changed(name, *changes)).replace(samples.AFTER, self.commit)
        body = text.replace(samples.AFTER[:12], self.commit[:12]).encode()
        headers = dict([samples.EVENTS[name]]) | identified(self.forge, delivery)
        return await self.post(body, headers | signed(self.forge, body, secret))

    async def runs(self) -> list[dict[str, Any]]:
        """Plan, and return every run, the oldest first."""
        await self.here.plan()
        query = select(runs).order_by(runs.c.number)
        found = await self.here.parts.store.read(lambda tx: tx.all(query))
        return [dict(row) for row in found]

    async def triggers(self) -> list[dict[str, Any]]:
        query = select(triggers).order_by(triggers.c.id)
        return [dict(row) for row in await self.here.parts.store.read(lambda tx: tx.all(query))]


@asynccontextmanager
async def shop(
    parts: Platform, repository: Repository, forge: Forge = Forge.GITHUB, secret: str = SECRET
) -> AsyncIterator[Shop]:
    commit = repository.commit({"wercker.yml": FILE}, "Red to port")
    async with site(parts, OUTSIDE) as here:
        body = {"name": "shop", "repository": str(repository.folder), "forge": forge.value}
        assert (await here.call("POST", "/api/v1/projects", body)).status_code == 201
        path = "/api/v1/projects/shop/webhook-secret"
        made = await here.call("POST", path, {"secret": secret})
        assert made.status_code == 201
        yield Shop(here, repository, forge, commit)


@pytest.mark.parametrize("name", ["github_push", "gitlab_push", "gitea_push", "bitbucket_push"])
def test_a_push_at_each_forge_makes_a_run_of_its_commit(
    platform: Platform, repository: Repository, name: str
) -> None:
    async def story() -> None:
        async with shop(platform, repository, samples.forge(name)) as at:
            said = await at.send(name)
            assert (said.status_code, said.json()["state"]) == (202, "accepted")
            first = (await at.runs())[0]
            assert (first["commit"], first["name"], first["state"]) == (at.commit, "all", "queued")
            assert first["cause"]["kind"] == "push"
            assert first["cause"]["forge"] == at.forge

    asyncio.run(story())


@pytest.mark.parametrize("name", ["github_tag", "gitlab_tag"])
def test_a_tag_makes_a_run(platform: Platform, repository: Repository, name: str) -> None:
    async def story() -> None:
        async with shop(platform, repository, samples.forge(name)) as at:
            repository.git("tag", "v1.4.0")
            await at.send(name)
            (only,) = await at.runs()
            assert (only["commit"], only["cause"]["tag"]) == (at.commit, "v1.4.0")

    asyncio.run(story())


PULL_REQUESTS = ["github_pull_request", "gitea_pull_request", "gitlab_merge_request"]


@pytest.mark.parametrize("name", [*PULL_REQUESTS, "bitbucket_pull_request"])
def test_a_pull_request_makes_a_run_of_its_head(
    platform: Platform, repository: Repository, name: str
) -> None:
    async def story() -> None:
        async with shop(platform, repository, samples.forge(name)) as at:
            repository.git("branch", "buoys")
            own = ("pullrequest.source.repository.full_name", "lighthouse/harbour")
            said = await at.send(name, *([own] if at.forge is Forge.BITBUCKET else []))
            assert said.json()["state"] == "accepted"
            (only,) = await at.runs()
            assert (only["commit"], only["branch"]) == (at.commit, "main")
            assert only["cause"]["number"] == 17
            assert "before" not in only["cause"]

    asyncio.run(story())


def test_a_pull_request_of_a_fork_is_fetched_by_its_number(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            theirs = repository.commit({"more": "x"}, "of a stranger")
            repository.git("update-ref", "refs/pull/17/head", theirs)
            repository.git("reset", "-q", "--hard", at.commit)
            await at._replace(commit=theirs).send("github_pull_request")
            (only,) = await at.runs()
            assert (only["commit"], only["cause"]["fork"]) == (theirs, True)
            assert only["state"] == "approval"

    asyncio.run(story())


def test_a_fork_at_bitbucket_is_not_fetched_and_that_is_said(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository, Forge.BITBUCKET) as at:
            said = (await at.send("bitbucket_pull_request")).json()
            assert said["state"] == "ignored"
            assert "forks" in said["message"]
            assert await at.runs() == []

    asyncio.run(story())


def test_an_update_of_only_the_title_makes_no_second_run(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository, Forge.BITBUCKET) as at:
            repository.git("branch", "buoys")
            own = ("pullrequest.source.repository.full_name", "lighthouse/harbour")
            first = await at.send("bitbucket_pull_request", own)
            title = ("pullrequest.title", "Paint them green")
            other = await at.send("bitbucket_pull_request", own, title, delivery="two")
            assert (other.status_code, other.json()["state"]) == (202, "accepted")
            assert other.json()["triggers"] == first.json()["triggers"]
            assert len(await at.runs()) == 1

    asyncio.run(story())


def test_what_is_deleted_runs_nothing(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository, Forge.GITEA) as at:
            assert (await at.send("gitea_delete")).status_code == 202
            assert await at.runs() == []
            (only,) = await at.triggers()
            assert (only["state"], only["message"]) == ("planned", "feature/lamp was deleted")

    asyncio.run(story())


def test_a_new_branch_at_bitbucket_makes_a_trigger_for_each_change(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository, Forge.BITBUCKET) as at:
            repository.git("tag", "v1.4.0")
            said = await at.send("bitbucket_push")
            assert len(said.json()["triggers"]) == 3
            made = await at.runs()
            assert {run["cause"].get("tag") for run in made} == {None, "v1.4.0"}

    asyncio.run(story())


def test_a_delivery_that_comes_again_triggers_once(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            both = await asyncio.gather(*(at.send("github_push") for _ in range(4)))
            assert sorted(said.status_code for said in both) == [200, 200, 200, 202]
            again = await at.send("github_push", delivery="another id")
            assert (again.status_code, again.json()["state"]) == (200, "known")
            assert len(await at.triggers()) == 1

    asyncio.run(story())


def test_the_same_body_counts_again_after_a_day(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            await at.send("github_push")
            older = update(answers).values(created=answers.c.created - 25 * 3600)
            await at.here.parts.store.write(lambda tx: tx.execute(older))
            again = await at.send("github_push", delivery="two")
            assert again.status_code == 202
            assert len(await at.triggers()) == 2

    asyncio.run(story())


@pytest.mark.parametrize("forge", list(Forge))
def test_nobody_learns_from_the_answer_whether_a_project_is_there(
    platform: Platform, repository: Repository, forge: Forge
) -> None:
    async def story() -> None:
        async with shop(platform, repository, forge) as at:
            bare = {"name": "bare", "repository": str(repository.folder)}
            await at.here.call("POST", "/api/v1/projects", bare)
            said = [
                await at.post(b"{}", signed(forge, b"{}", secret), project)
                for project in ("shop", "bare", "nowhere", "no%00where", "%ED%A0%80", "x" * 5000)
                for secret in ("wrong", "whsec_d3Jvbmc=", "none", "")
            ]
            said += [await at.post(b"{}", {}, project) for project in ("shop", "bare", "nowhere")]
            assert {each.status_code for each in said} == {401}
            assert len({each.content for each in said}) == 1
            assert await at.triggers() == []

    asyncio.run(story())


def test_a_secret_of_another_project_opens_nothing(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            other = {"name": "other", "repository": str(repository.folder), "forge": "github"}
            await at.here.call("POST", "/api/v1/projects", other)
            path = "/api/v1/projects/other/webhook-secret"
            theirs = (await at.here.call("POST", path)).json()["secret"]
            assert (await at.send("github_push", secret=theirs)).status_code == 401
            assert (await at.send("github_push")).status_code == 202

    asyncio.run(story())


def test_a_body_that_was_changed_is_refused(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            headers = signed(Forge.GITHUB, b"{}") | {"x-github-event": "ping"}
            assert (await at.post(b"{} ", headers)).status_code == 401
            assert (await at.post(b"{}", headers)).status_code == 202

    asyncio.run(story())


def test_a_huge_body_is_refused_before_it_is_all_there(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            said = await at.post(b" " * (hooks.LARGEST + 1), {})
            assert (said.status_code, said.json()["title"]) == (413, "too large")
            assert (await at.post(b" " * hooks.LARGEST, {})).status_code == 401

    asyncio.run(story())


SIGNING = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def stamped(sent: float, body: bytes) -> dict[str, str]:
    """Sign as GitLab does with a signing token."""
    time = f"{sent:.0f}"
    message = f"msg_1.{time}.".encode() + body
    digest = hmac.new(bytes(range(32)), message, hashlib.sha256).digest()
    mark = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": mark}


@pytest.mark.parametrize(("late", "status"), [(0, 202), (250, 202), (400, 403), (-400, 403)])
def test_a_signed_time_may_not_be_far_away(
    platform: Platform, repository: Repository, late: float, status: int
) -> None:
    async def story() -> None:
        async with shop(platform, repository, Forge.GITLAB, SIGNING) as at:
            body = json.dumps(samples.payload("gitlab_push")).encode()
            sent = platform.clock.now() - late
            assert (await at.post(body, stamped(sent, body))).status_code == status

    asyncio.run(story())


def test_an_event_that_triggers_nothing_is_kept_with_its_reason(
    platform: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            headers = signed(Forge.GITHUB, b"{}") | {"x-github-event": "star"}
            said = (await at.post(b"{}", headers)).json()
            assert (said["state"], said["triggers"]) == ("ignored", [])
            kept = await at.here.call("GET", "/api/v1/projects/shop/deliveries")
            assert kept.json()["items"][0]["outcome"] == said["message"] != ""

    asyncio.run(story())


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"ref": 1}', b'{"ref": "\\ud800"}'],
)
def test_what_no_forge_would_send_is_refused_and_kept(
    platform_on: Platform, repository: Repository, body: bytes
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            headers = signed(Forge.GITHUB, body) | {"x-github-event": "push"}
            assert (await at.post(body, headers)).status_code == 400
            kept = await at.here.call("GET", "/api/v1/projects/shop/deliveries")
            assert kept.json()["items"][0]["outcome"].startswith("malformed: ")

    asyncio.run(story())


def test_odd_text_in_a_webhook_is_stored_harmlessly(
    platform_on: Platform, repository: Repository
) -> None:
    async def story() -> None:
        async with shop(platform_on, repository) as at:
            odd = "nul \0 half \ud800 end"
            changes = [("head_commit.message", odd), ("sender.login", odd)]
            assert (await at.send("github_push", *changes)).status_code == 202
            assert (await at.runs())[0]["commit"] == at.commit

    asyncio.run(story())


def test_a_forge_that_nobody_knows_is_refused(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            said = await at.here.http.request("POST", "/api/v1/hooks/sourceforge/shop")
            assert said.status_code == 422

    asyncio.run(story())


def test_a_secret_is_shown_once_and_kept_sealed(platform: Platform, repository: Repository) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            path = "/api/v1/projects/shop/webhook-secret"
            made = (await at.here.call("POST", path)).json()
            assert made["url"].endswith("/api/v1/hooks/github/shop")
            shown = await at.here.call("GET", "/api/v1/projects/shop")
            assert shown.json()["settings"] == {"webhook": {}}
            assert (await at.send("github_push")).status_code == 401
            assert (await at.send("github_push", secret=made["secret"])).status_code == 202

    asyncio.run(story())


@pytest.mark.parametrize(
    "secret", ["", "short", "with a blank in it", "nul\0nul\0nul\0", "whsec_not-base64", 7]
)
def test_a_secret_that_cannot_be_one_is_refused(
    platform: Platform, repository: Repository, secret: object
) -> None:
    async def story() -> None:
        async with shop(platform, repository) as at:
            path = "/api/v1/projects/shop/webhook-secret"
            said = await at.here.call("POST", path, {"secret": secret})
            assert said.status_code in (400, 422)
            assert (await at.send("github_push")).status_code == 202

    asyncio.run(story())
