"""The doors under test, and a run that is always removed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from steersman.containers.base import Box, BoxSpec, Capability, Containers, Image, PullPolicy
from steersman.containers.docker.door import DockerContainers
from steersman.containers.fake import FakeContainers, FakeImage
from steersman.containers.host import HostContainers
from steersman.sessions.session import Session

T = TypeVar("T")
IMAGES = {
    "busybox:latest": FakeImage(),
    "redis:7": FakeImage(ports=("6379/tcp",)),
    "ends:latest": FakeImage(exit_code=3, log="cannot start like this\n"),
    "silent:latest": FakeImage(ready=False, ports=("9/tcp",)),
}


@dataclass
class Run:
    """One run at one door; `do` drives it and always cleans up."""

    containers: Containers
    tmp_path: Path
    id: str = field(default_factory=lambda: f"test-{secrets.token_hex(6)}")

    @property
    def root(self) -> str:
        return self.containers.root_of(self.id)

    def needs(self, *capabilities: Capability) -> None:
        lacking = set(capabilities) - self.containers.capabilities
        if lacking:
            pytest.skip(f"{self.containers.name} has no {', '.join(sorted(lacking))}")

    def do(self, body: Callable[[], Awaitable[T]]) -> T:
        async def whole() -> T:
            try:
                return await body()
            finally:
                await self.containers.remove(self.id)
                await self.containers.close()

        return asyncio.run(whole())

    async def image(self, name: str = "busybox:latest") -> Image:
        return await self.containers.image(name, pull=PullPolicy.NEVER, tell=lambda text: None)

    async def box(self, image: str = "busybox:latest", **more: Any) -> Box:
        spec = BoxSpec(run_id=self.id, image=await self.image(image), **more)
        return await self.containers.create_box(spec)

    async def session(self, box: Box, seen: list[bytes]) -> Session:
        session = Session(await box.start(), seen.append, grace=1.0)
        await session.open("", 30)
        return session

    async def says(self, box: Box, text: str) -> str:
        """Run *text* in the box's shell and return what it printed."""
        seen: list[bytes] = []
        session = await self.session(box, seen)
        try:
            await session.run(text, timeout=30, silence=None)
        finally:
            await session.close()
        return b"".join(seen).decode()


def door(kind: str, folder: Path) -> Containers:
    if kind == "fake":
        return FakeContainers(folder, IMAGES)
    if kind == "host":
        return HostContainers(folder)
    return DockerContainers.from_environment()


@pytest.fixture(params=["fake", "host", pytest.param("docker", marks=pytest.mark.engine)])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    if request.param == "docker":
        request.getfixturevalue("engine")
    return Run(door(request.param, tmp_path / "door"), tmp_path)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.engine)])
def docker_run(engine: str, tmp_path: Path) -> Run:
    return Run(door("docker", tmp_path), tmp_path)
