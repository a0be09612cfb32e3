"""A server with the project `shop`, a runner's side of its attempts, and people with roles."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import pytest
from sqlalchemy import insert

from steersman.core import tokens
from steersman.server import app as apps
from steersman.server.api import artifacts, caches, replay, steps, tests
from steersman.server.platform import Platform
from steersman.store.base import Transaction
from steersman.store.tables import members, users
from steersman.store.tables import tokens as token_table
from tests.server.conftest import Repository, Site, site

FILE = """\
box: busybox
build:
  steps: [{script: {code: echo}}]
deploy:
  steps: [{script: {code: echo}}]
workflows:
  - name: ship
    pipelines:
      - name: build
      - name: deploy
        requires: [build]
"""
# Before those of runs, whose last path takes whatever is left.
ROUTERS = tuple(each.router for each in (artifacts, tests, caches, steps, replay))


class Attempt(NamedTuple):
    """An attempt as its runner has it."""

    here: Site
    id: str
    token: str

    async def say(self, method: str, path: str, **more: Any) -> httpx2.Response:
        answer = await self.here.call(method, f"/runner/v1/{path}", token=self.token, **more)
        assert answer.status_code < 300, answer.text
        return answer

    async def leave(self, data: bytes, name: str = "output", kind: str = "output") -> str:
        """Leave an artifact and return its id."""
        answer = await self.say("PUT", f"artifacts/{kind}/{name}", content=data)
        return str(answer.json()["id"])

    async def end(self, state: str = "succeeded") -> None:
        await self.say("POST", "record", json={"runner": "r", "state": state, "log_size": 0})


class Shop(NamedTuple):
    """The server, and the repository of its project."""

    here: Site
    repository: Repository

    async def get(self, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        return await self.here.call("GET", f"/api/v1/{path}", token=token, **more)

    async def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return await self.here.call(method, f"/api/v1/{path}", **more)

    async def push(self, branch: str = "main") -> Attempt:
        """Let a run begin, and a runner take its first job."""
        wanted = {"kind": "push", "branch": branch}
        answer = await self.here.call("POST", "/api/v1/projects/shop/triggers", wanted)
        assert answer.status_code == 202, answer.text
        await self.here.plan()
        return await self.take()

    async def take(self) -> Attempt:
        """Let a runner take the next job."""
        asked = {
            "worker": "w", "pools": ["default"], "capabilities": [], "slots": 9, "take": 1,
            "wait": 0.0,
        }  # fmt: skip
        path = "/worker/v1/lease"
        answer = await self.here.call("POST", path, asked, token=self.here.worker)
        granted = answer.json()["granted"][0]
        attempt = Attempt(self.here, granted["attempt"], granted["token"])
        await attempt.say("POST", "started", json={"runner": "r"})
        return attempt

    async def person(self, name: str, role: str | None, *scopes: str) -> str:
        """Add somebody to the project, or to none, and return their token."""
        parts = self.here.parts
        project = (await self.get("projects/shop")).json()["id"]
        token = tokens.make(tokens.Kind.PERSONAL, parts.clock.randomness(20))
        row = {"id": parts.clock.new_id(), "user_id": name, "kind": "personal", "name": name}

        def add(tx: Transaction) -> None:
            tx.execute(insert(users), {"id": name, "name": name, "created": tx.now})
            if role is not None:
                whose = {"project_id": project, "user_id": name, "role": role}
                tx.execute(insert(members), whose)
            given = {"digest": tokens.digest(token), "scopes": list(scopes), "created": tx.now}
            tx.execute(insert(token_table), {**row, **given})

        await parts.store.write(add)
        return token


@asynccontextmanager
async def shop(parts: Platform, repository: Repository) -> AsyncIterator[Shop]:
    """Open a server with the project."""
    repository.commit({"wercker.yml": FILE, "README": "a shop\n"})
    with pytest.MonkeyPatch.context() as patch:
        missing = tuple(each for each in ROUTERS if each not in apps.PARTS)
        patch.setattr(apps, "PARTS", (*missing, *apps.PARTS))
        async with site(parts) as here:
            wanted = {"name": "shop", "repository": str(repository.folder)}
            assert (await here.call("POST", "/api/v1/projects", wanted)).status_code == 201
            yield Shop(here, repository)


def in_shop(
    test: Callable[[Shop], Awaitable[None]],
) -> Callable[[Platform, Repository], None]:
    """Make a test of what is tried in a shop."""

    def run(platform: Platform, repository: Repository) -> None:
        async def tried() -> None:
            async with shop(platform, repository) as opened:
                await test(opened)

        asyncio.run(tried())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def tar(
    files: Mapping[str, bytes | str], *more: tarfile.TarInfo, mode: str = "w", modified: int = 0
) -> bytes:
    """Return an archive of files (bytes) and links (texts), and of other members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mtime = modified
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    return out.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a member without content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info
