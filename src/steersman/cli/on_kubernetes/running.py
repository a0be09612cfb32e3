"""From the flags of `steer run --on kubernetes` to an exit code."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from steersman.cli import running, show
from steersman.cli.job import Request
from steersman.cli.on_kubernetes import order as orders
from steersman.cli.on_kubernetes.attending import Attending
from steersman.cli.on_kubernetes.objects import Objects, utc
from steersman.cli.on_kubernetes.order import Order
from steersman.cli.signals import Stopping
from steersman.cli.worker_kubernetes import read_pools
from steersman.cli.working_dir import WorkingDir
from steersman.cluster.kubernetes import api
from steersman.cluster.kubernetes.pools import Pool
from steersman.core.errors import Interrupted, SteersmanError, UserError
from steersman.core.events import Audience, Level, Notice
from steersman.core.pipelines import pick
from steersman.core.variables import Command
from steersman.patience import patience

Flags = Mapping[str, Any]


def run_in_pod(target: str, flags: Flags) -> int:
    """Run one pipeline in a pod to its end and return the exit code."""
    orders.check(flags)
    project = running.project_of(target, flags)
    working = WorkingDir(Path(flags["working_dir"]))
    file, parsed = running.read_file(project, flags)
    config = parsed.checked()
    name = flags["pipeline"]
    if name not in config.pipelines and any(each.name == name for each in config.workflows):
        raise UserError(
            f"{name} is a workflow, and a pod runs one pipeline",
            hint="leave out --on kubernetes, or let a server run it (`steer trigger`)",
        )
    chosen = pick(config, name)
    request = Request(Command.BUILD, project, working, config, chosen, flags)
    order = orders.make(request, file, parsed.source, _pool(flags))
    working.prepare(project)
    if not flags["verbose"]:
        # What is seen of the pod is told; that some of it may not be seen is no news here.
        logging.getLogger("steersman.cluster").setLevel(logging.ERROR)
    with show.audience(flags) as tell, Stopping() as stopping:
        return stopping.run(_run(request, order, tell, stopping.cancelled))


def _pool(flags: Flags) -> Pool:
    if flags["pools_file"] is None:
        return Pool(flags["pool"])
    known = read_pools(flags["pools_file"])
    if flags["pool"] not in known:
        raise UserError(
            f"{flags['pools_file']} has no pool {flags['pool']}",
            hint=f"name one by --pool: {', '.join(sorted(known))}",
        )
    return known[flags["pool"]]


async def _run(request: Request, order: Order, tell: Audience, cancelled: asyncio.Event) -> int:
    flags, working = request.flags, request.working
    pause = patience()
    cluster = api.connect(pause, flags["kubeconfig"])
    objects = Objects(cluster, flags["namespace"] or cluster.namespace)
    attending = Attending(request, order, tell, cancelled)
    made = False
    try:
        for left in await objects.sweep(utc()):
            tell(Notice(Level.INFO, f"removed what a killed run left: {left}"))
        if cancelled.is_set():
            raise Interrupted("interrupted before the run began")
        folder = working.new_run(order.attempt)
        working.point("latest", order.attempt)
        made = True
        await objects.make(order)
        return await attending.run(cluster, objects.path, folder)
    finally:
        if made and flags["no_remove"]:
            tell(
                Notice(Level.INFO, f"the pod {order.name} in {objects.namespace} is left standing")
            )
        elif made:
            await asyncio.shield(_removed(objects, order, tell))
        await cluster.close()
        working.remove_old_runs(time.time())


async def _removed(objects: Objects, order: Order, tell: Audience) -> None:
    try:
        await objects.remove(order)
    except SteersmanError as error:
        text = f"the pod {order.name} could not be removed: {error}\nthe next run will remove it"
        with suppress(OSError):
            tell(Notice(Level.WARNING, text))
