"""Puts a worker together whose runners are pods."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from steersman import __version__
from steersman.cli.light_transport import LightTransport
from steersman.client import Client, Patience, patience, patiently, proxied
from steersman.cluster.kubernetes import api, pools
from steersman.cluster.kubernetes.containers import Ours
from steersman.cluster.kubernetes.door import KubernetesCluster, Where
from steersman.cluster.kubernetes.pools import Pool
from steersman.core.errors import Unavailable, UserError
from steersman.worker import Settings, Worker, telling
from steersman.worker.logs import Event, say

SLOTS = 100


class PodFlags(NamedTuple):
    """How a worker makes pods: see the options of `steer worker run`."""

    name: str
    slots: int
    namespace: str
    pools_file: Path
    image: str
    runner_url: str
    runner_ca: Path | None = None
    kubeconfig: Path | None = None
    surplus: int = 0


def read_pools(file: Path) -> dict[str, Pool]:
    """Read the settings of the pools."""
    try:
        return pools.read(yaml.safe_load(file.read_text()), place=str(file))
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{file} is no YAML: {error}") from error


def _for_runners(flags: PodFlags) -> Mapping[str, Any]:
    """Return what runners are told, besides their attempt."""
    said: dict[str, Any] = {"on": "pod"}
    if flags.runner_ca is not None:
        try:
            said["ca"] = flags.runner_ca.read_text()
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {flags.runner_ca}: {error}") from error
    return said


async def work(server: str, token: str, flags: PodFlags) -> None:
    """Work until this is cancelled; pods that are at work go on."""
    known, said = read_pools(flags.pools_file), _for_runners(flags)
    pause = patience()
    settings = Settings(
        name=flags.name,
        server_url=flags.runner_url,
        pools=dict.fromkeys(known, said),
        slots=flags.slots,
        version=__version__,
        pods=True,
    )
    agent = f"steersman-worker/{__version__}"
    carried_by = None if proxied() else LightTransport
    connection = api.connect(pause, flags.kubeconfig, carried_by)
    async with Client(server, token, user_agent=agent, light=True) as client:
        mine = await _installation(client, pause)
        where = Where(flags.namespace, mine, known, Ours(flags.image), flags.surplus)
        cluster = KubernetesCluster(connection, where, pause)
        try:
            await Worker(client, cluster, settings, now=time.time, pause=pause).run()
        finally:
            await cluster.close()


async def _installation(client: Client, pause: Patience) -> str:
    """Ask whose pods are ours, for as long as the server is away."""

    async def ask() -> str:
        try:
            return await telling.installation(client)
        except Unavailable as error:
            say(Event.SERVER_AWAY, str(error), level=logging.WARNING)
            raise

    return await patiently(ask, pause=pause, give_up_after=None)


async def work_until_told(server: str, token: str, flags: PodFlags) -> None:
    """Work until SIGTERM or SIGINT."""
    task = asyncio.ensure_future(work(server, token, flags))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
