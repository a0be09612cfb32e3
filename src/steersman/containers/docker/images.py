"""Images made at the engine: committed, built, loaded, tagged and pushed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from steersman.containers.base import Login
from steersman.containers.docker import image_specs, logins, pulls, reports, specs
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.containers.docker.frames import Frames
from steersman.containers.images import Say
from steersman.core import references
from steersman.core.errors import Refused
from steersman.core.image_archives import Platform
from steersman.core.image_builds import Build
from steersman.core.image_changes import Commit
from steersman.core.references import Reference

COMMIT_DEADLINE = 1800.0
"""A large box takes minutes, and the engine says nothing meanwhile."""
STALL = 600.0
TELL_EVERY = 5.0


class DockerImages:
    """The images of one run; *built* takes the names that are to go with the run."""

    def __init__(
        self,
        engine: Engine,
        config: Callable[[], Mapping[str, Any]],
        run_id: str,
        built: list[str],
    ) -> None:
        self._engine = engine
        self._config = config
        self._run_id = run_id
        self._built = built

    async def commit(self, wanted: Commit) -> str:
        box = specs.name(self._run_id)
        container = await self._engine.get(f"/containers/{box}/json")
        image = await self._engine.get(f"/images/{container['Image']}/json")
        body = image_specs.commit(
            image.get("Config") or {}, container.get("Config") or {}, wanted.changes
        )
        query = {"container": box, "comment": wanted.message, "author": wanted.author}
        more = (
            {"changes": image_specs.instructions(body, wanted.changes)}
            if self._engine.is_podman
            else {}
        )
        try:
            answer = await self._engine.request(
                "POST", "/commit", {**query, **more}, body, deadline=COMMIT_DEADLINE
            )
        except EngineRefused as error:
            raise Refused(f"the box cannot become an image: {error}") from error
        return str(answer.data()["Id"])

    async def exists(self, name: str) -> bool:
        try:
            await self._engine.get(f"/images/{name}/json")
        except EngineRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    async def tag(self, image: str, name: Reference) -> None:
        where = {"repo": name.repository, "tag": name.tag or "latest"}
        try:
            await self._engine.request("POST", f"/images/{image}/tag", where)
        except EngineRefused as error:
            raise Refused(f"the image cannot be called {name}: {error}") from error

    async def remove(self, name: str) -> None:
        # In use by somebody, or gone already: both are no concern of the run.
        with suppress(EngineRefused):
            await self._engine.request("DELETE", f"/images/{name}", deadline=STALL)

    async def push(self, name: Reference, login: Login | None, tell: Say, *, as_user: bool) -> str:
        registry = references.registry_host(name.registry or references.DOCKER_HUB)
        if login is None and as_user:
            login = await logins.of_user(self._config(), registry)
        auth = logins.header(login, registry) if login else _encoded({})
        progress, now = reports.Pushing(), asyncio.get_running_loop().time
        told = now()
        try:
            async with self._engine.stream(
                "POST",
                f"/images/{name.repository}/push",
                {"tag": name.tag or "latest", **pulls.plainly(registry)},
                headers={"X-Registry-Auth": auth},
                stall=STALL,
            ) as (_, pieces):
                async for line in reports.read(pieces):
                    progress.note(line)
                    if now() - told >= TELL_EVERY:
                        tell(f"pushing {name}: {progress}")
                        told = now()
        except (EngineRefused, reports.Failed) as error:
            who = f"as {login.username}" if login else "without a login"
            raise Refused(
                f"{name} cannot be pushed ({who}): {error}",
                hint="are the name right, `username` and `password`, and the right to push there?",
            ) from error
        return progress.digest

    async def build(
        self, wanted: Build, context: Iterable[bytes], output: Callable[[bytes], None]
    ) -> None:
        network = specs.name(self._run_id)
        query = image_specs.build(wanted, network if await self._has_network(network) else None)
        auth = await logins.for_build(self._config(), wanted.logins)
        self._built.append(wanted.name)
        try:
            async with self._engine.stream(
                "POST",
                "/build",
                query,
                headers={"X-Registry-Config": _encoded(auth)},
                stall=STALL,
                archive=context,
            ) as (_, pieces):
                async for line in reports.read(pieces):
                    if not wanted.quiet and (text := image_specs.said(line)):
                        output(text.encode())
        except (EngineRefused, reports.Failed) as error:
            raise Refused(f"the image cannot be built: {error}") from error

    async def _has_network(self, name: str) -> bool:
        try:
            await self._engine.get(f"/networks/{name}")
        except EngineRefused:
            return False
        return True

    async def load(self, archive: Iterable[bytes]) -> None:
        try:
            async with self._engine.stream(
                "POST", "/images/load", {"quiet": "1"}, stall=STALL, archive=archive
            ) as (_, pieces):
                async for _line in reports.read(pieces):
                    pass
        except (EngineRefused, reports.Failed) as error:
            raise Refused(f"the engine does not take the image: {error}") from error

    @asynccontextmanager
    async def save(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._engine.stream("GET", f"/images/{name}/get", {}, stall=STALL) as (
            _,
            pieces,
        ):
            yield pieces

    async def platform(self) -> Platform:
        said = await self._engine.get("/version")
        return Platform(str(said.get("Os") or "linux"), str(said.get("Arch") or "amd64"))

    async def kill(self, alias: str) -> str:
        container = f"/containers/{specs.name(self._run_id, alias)}"
        try:
            said = await self._engine.request(
                "GET", f"{container}/logs", {"stdout": "1", "stderr": "1", "tail": "1000"}
            )
            await self._engine.delete(container, force="1", v="1")
        except EngineRefused as error:
            if error.status == 404:
                raise Refused(f"no container {alias} runs beside the box") from error
            raise
        return Frames().feed(said.body).decode(errors="replace")


def _encoded(data: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()
