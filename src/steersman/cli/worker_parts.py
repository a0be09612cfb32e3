"""Puts a worker together: its cluster, and what its runners may do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from steersman import __version__
from steersman.client import Client, patience
from steersman.cluster.local import NURSERY_LOG, LocalCluster
from steersman.cluster.nursing import Upbringing
from steersman.core.errors import SteersmanError, UserError
from steersman.worker import Settings, Worker

# What programs of steps and git need; the rest of our environment may hold secrets.
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH")
POOL = "default"


class WorkerFlags(NamedTuple):
    """How a worker of this machine is to work."""

    name: str
    slots: int
    where: str = "containers"
    host_user: str | None = None
    docker_host: str | None = None
    docker: bool = False
    pools: tuple[str, ...] = (POOL,)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what its runners are told."""
        said: dict[str, Any] = {"on": self.where}
        if self.docker_host:
            said["docker_host"] = self.docker_host
        if self.where == "host" and self.host_user:
            said["user"] = self.host_user
        return said


def words(flags: WorkerFlags) -> str:
    """Say where jobs run."""
    if flags.where == "host":
        return f"directly on this machine (as {flags.host_user or 'you'})"
    return "in containers of the local engine"


async def check(flags: WorkerFlags) -> None:
    """Refuse what cannot work, before anything is taken."""
    if flags.where == "host":
        if os.getuid() == 0 and not flags.host_user:
            raise UserError(
                "jobs on the host would run as root",
                hint="name a user: --host-user nobody (root only where nothing can be lost)",
            )
        _refuse_unreachable(flags.host_user)
        return
    from steersman.cli.runner import choose

    containers = choose(Path(), flags.settings)
    try:
        await containers.require()
    except SteersmanError as error:
        error.hint = error.hint or "start Docker or Podman, or use --on host for code you trust"
        raise
    finally:
        await containers.close()


def _refuse_unreachable(user: str | None) -> None:
    """Refuse a user who cannot reach the programs that its jobs would be run by."""
    if user is None or os.getuid() != 0 or user == "root":
        return
    for place in {Path(sys.prefix), Path(os.__file__).parent, Path(__file__).parent}:
        closed = next((each for each in place.parents if not each.stat().st_mode & 0o001), None)
        if closed is not None:
            raise UserError(
                f"jobs as {user} could not run: {place} lies in {closed}, which is closed to them",
                hint="install Steersman and its Python where everybody can read them",
            )


def keep_token(path: Path, token: str) -> None:
    """Keep the token of this machine's worker where only we can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
    fresh.replace(path)


async def work(server: str, token: str, folder: Path, flags: WorkerFlags) -> None:
    """Work until this is cancelled; runners that are at work go on."""
    from steersman.cli import runner

    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    upbringing = Upbringing(
        "steersman.cli.runner:run", runner.PRELOADED, environment, folder / NURSERY_LOG
    )
    capabilities = frozenset({"docker"} if flags.docker else ())
    cluster = LocalCluster(
        folder, upbringing, capabilities=capabilities, bury=partial(runner.bury, flags.settings)
    )
    of_pool = {**flags.settings, "docker": flags.docker}
    settings = Settings(
        name=flags.name,
        server_url=server,
        pools=dict.fromkeys(flags.pools, of_pool),
        slots=flags.slots,
        capabilities=capabilities,
        version=__version__,
    )
    agent = f"steersman-worker/{__version__}"
    try:
        async with Client(server, token, user_agent=agent) as client:
            await runner.tidy(flags.settings, folder)
            worker = Worker(client, cluster, settings, now=time.time, pause=patience())
            await worker.run()
    finally:
        await cluster.close()


async def work_until_told(server: str, token: str, folder: Path, flags: WorkerFlags) -> None:
    """Work in *folder*, which exists, until SIGTERM or SIGINT."""
    await check(flags)
    task = asyncio.ensure_future(work(server, token, folder, flags))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
