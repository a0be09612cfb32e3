"""What a runner's process does: chooses the door of its pool, and runs its attempt."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steersman import __version__
from steersman.cli.leftovers import remove_dead_runs
from steersman.client import Client
from steersman.cluster import folders
from steersman.cluster.base import RunnerSpec
from steersman.containers.base import Containers
from steersman.core.errors import SteersmanError
from steersman.runner.jobs import Allowed
from steersman.runner.program import CLEAN, Runner, place

# Imported before runners are forked, so that none of them pays for it.
PRELOADED = (
    "steersman.containers.docker.door",
    "steersman.containers.host",
    "steersman.pipeline_file",
    "yaml",
    "yaml._yaml",
    "steersman.client.light",
    "concurrent.futures.thread",
    "queue",
    "steersman.trees.reading",
    "steersman.trees.writing",
    "steersman.core.pipelines.findings",
    "steersman.core.manifests",
)
log = logging.getLogger("steersman.runner")


def run(folder: Path) -> int:
    """Run the attempt whose spec stands in *folder*, and return an exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for chatty in ("httpx2", "httpcore2", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return asyncio.run(_run(folder, folders.read_spec(folder)))


async def _run(folder: Path, spec: RunnerSpec) -> int:
    settings = spec.settings
    agent = f"steersman-runner/{__version__}"
    async with Client(spec.server_url, spec.token, user_agent=agent, light=True) as client:
        allowed = Allowed(
            volumes=bool(settings.get("volumes")),
            engine=bool(settings.get("docker")),
            memory=settings.get("memory"),
            network=settings.get("network"),
        )
        runner = Runner(client, place(folder), allowed, lambda: choose(folder, settings))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runner.stop, "the worker asked its runner to stop")
        return await runner.run()


def choose(folder: Path, settings: Mapping[str, Any]) -> Containers:
    """Return the door of the pool: the host only where the admin said so."""
    if settings.get("on") == "host":
        from steersman.containers.host import HostContainers

        return HostContainers(folder / "host")
    from steersman.containers.docker.door import DockerContainers

    return DockerContainers.from_environment(host=settings.get("docker_host"))


async def bury(settings: Mapping[str, Any], folder: Path) -> None:
    """Remove what a runner left at its door, unless it says that it left nothing."""
    if (folder / CLEAN).exists():
        return
    containers = choose(folder, settings)
    try:
        await containers.remove(folder.name)
    except SteersmanError as error:
        log.warning("burying_failed: %s", error)
    finally:
        await containers.close()


async def tidy(settings: Mapping[str, Any], folder: Path) -> None:
    """Remove what runners that were killed left at the door."""
    containers = choose(folder, settings)
    try:
        for run_id in await remove_dead_runs(containers):
            log.info("removed_leftovers: %s", run_id)
    except SteersmanError as error:
        log.warning("tidying_failed: %s", error)
    finally:
        await containers.close()
