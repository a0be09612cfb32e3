"""Steps that the server publishes, for the executor, which asks from a thread."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from steersman import trees
from steersman.client import Client, patience, patiently
from steersman.core.errors import NotFound, Refused
from steersman.core.pipelines.model import Step
from steersman.runner.jobs import Places
from steersman.step_store import Registry
from steersman.trees import Limits

MIB = 1024 * 1024
LIMITS = Limits(size=500 * MIB, entries=100_000)
PATIENCE = 300.0


def of_api(connect: Callable[[], Client], folder: Path) -> Registry:
    """Return a registry that asks as a person does, from whatever thread it is called in."""

    async def ask(step: Step) -> Path | None:
        owner, name = quote(step.owner, safe=""), quote(step.name, safe="")
        address = f"/api/v1/steps/{owner}/{name}/{quote(step.version, safe='')}/archive"
        async with connect() as client:
            return await _fetched(client, address, _place(folder, step))

    return lambda step: asyncio.run(ask(step))


def of_server(client: Client, places: Places, loop: asyncio.AbstractEventLoop) -> Registry:
    """Return a registry that asks the server; what it answers is kept for this attempt."""

    def find(step: Step) -> Path | None:
        return asyncio.run_coroutine_threadsafe(_find(client, places, step), loop).result()

    return find


def _place(folder: Path, step: Step) -> Path:
    return folder / "steps" / f"{step.owner}-{step.name}@{step.version}"


async def _find(client: Client, places: Places, step: Step) -> Path | None:
    owner, name = quote(step.owner, safe=""), quote(step.name, safe="")
    path = f"/runner/v1/steps/{owner}/{name}?version={quote(step.version, safe='')}"
    return await _fetched(client, path, _place(places.folder, step))


async def _fetched(client: Client, path: str, folder: Path) -> Path | None:
    if await asyncio.to_thread(folder.is_dir):
        return folder
    what = f"the step of {path}"

    async def fetch() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        async with client.stream("GET", path, timeout=60) as answer:
            await trees.unpack(answer.pieces, folder, LIMITS)

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        await patiently(fetch, pause=patience(), give_up_after=PATIENCE)
    except NotFound:
        return None
    except trees.TooLarge:
        raise Refused(f"{what} is too large") from None
    return folder
