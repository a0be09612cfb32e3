"""Pulling an image: progress for people, errors in the registry's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from steersman.containers.base import Login
from steersman.containers.docker import logins
from steersman.containers.docker.engine import Engine, EngineRefused
from steersman.core import references
from steersman.core.errors import Refused

STALL = 300.0
TELL_EVERY = 5.0


class Progress:
    """Adds up the layers of a pull."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def note(self, line: dict[str, Any]) -> None:
        """Take one line of the engine's report."""
        layer, status = line.get("id"), str(line.get("status", ""))
        detail = line.get("progressDetail") or {}
        if not layer or status.startswith("Pulling from"):
            return
        current, total = self._layers.get(layer, (0, 0))
        if status == "Downloading":
            current, total = int(detail.get("current") or 0), int(detail.get("total") or total)
        elif status in ("Download complete", "Pull complete", "Already exists"):
            current = total
        if status in ("Pull complete", "Already exists"):
            self._done.add(layer)
        self._layers[layer] = (current, total)

    def __str__(self) -> str:
        got = sum(current for current, _ in self._layers.values()) / 1e6
        total = sum(total for _, total in self._layers.values()) / 1e6
        return f"{len(self._done)} of {len(self._layers)} layers, {got:.1f} of {total:.1f} MB"


async def pull(
    engine: Engine,
    name: str,
    login: Login | None,
    config: Callable[[], Any],
    tell: Callable[[str], None],
) -> None:
    """Pull the image *name*; `Refused` in the registry's words when it is not to be had."""
    reference = references.parse(name)
    registry = references.registry_host(reference.registry or references.DOCKER_HUB)
    login = login or await logins.of_user(config(), registry)
    headers = {"X-Registry-Auth": logins.header(login, registry)} if login else {}
    query = {
        "fromImage": reference.repository,
        "tag": reference.digest or reference.tag or "latest",
        **plainly(registry),
    }
    tell(f"pulling image {name}")
    try:
        async with engine.stream("POST", "/images/create", query, headers=headers, stall=STALL) as (
            _,
            pieces,
        ):
            await _follow(name, pieces, tell)
    except EngineRefused as error:
        raise _not_to_be_had(name, str(error)) from error


def plainly(registry: str) -> dict[str, str]:
    """Say to Podman what Docker does by itself: a registry on this machine may have no TLS."""
    return {"tlsVerify": "false"} if references.is_loopback(registry) else {}


async def _follow(name: str, pieces: AsyncIterator[bytes], tell: Callable[[str], None]) -> None:
    progress, rest = Progress(), b""
    now = asyncio.get_running_loop().time
    told = now()
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            _take(name, line, progress)
        if now() - told >= TELL_EVERY:
            tell(f"pulling image {name}: {progress}")
            told = now()
    _take(name, rest, progress)


def _take(name: str, line: bytes, progress: Progress) -> None:
    if not line.strip():
        return
    try:
        data = json.loads(line)
    except ValueError:
        return
    if isinstance(data, dict):
        if said := (data.get("errorDetail") or {}).get("message") or data.get("error"):
            raise _not_to_be_had(name, str(said))
        progress.note(data)


def _not_to_be_had(name: str, said: str) -> Refused:
    return Refused(
        f"image {name} cannot be had: {said.strip()}",
        hint="check name and tag; for a private image set `username` and `password`",
    )
