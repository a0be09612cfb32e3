"""From a job to a box that waits for its first step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from steersman.containers.base import Box, Capability, Containers, Taking
from steersman.core import scripts
from steersman.core.errors import UserError
from steersman.core.events import Level
from steersman.core.pipelines.model import StepKind
from steersman.core.variables import Variable
from steersman.executor import cache_lock, filling
from steersman.executor.fetching import Notice, ReadyStep
from steersman.executor.job import Job
from steersman.executor.launching import launch, stale
from steersman.sessions.session import Session

SESSION_DEADLINE = 30.0
"""Seconds a started box has to say that its shell is ready."""
TAKING_DEADLINE = 900.0
"""Seconds it has where it first copies what was put for it."""


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Prepared:
    """A box in which the session waits. *unset_next* are names the last step leaves to unset,
    *cpu* what all steps so far took, where we *measure*. *full* says of folders that were looked
    into after the last step whether anything stands in them.
    """

    box: Box
    session: Session
    steps: tuple[ReadyStep, ...]
    after_steps: tuple[ReadyStep, ...]
    prelude: str
    unset_next: tuple[str, ...] = ()
    measure: bool = False
    cpu: float = 0.0
    full: dict[str, bool] = field(default_factory=dict)


async def set_up(
    job: Job,
    ready: tuple[tuple[ReadyStep, ...], tuple[ReadyStep, ...]],
    containers: Containers,
    output: Callable[[bytes], None],
    notice: Notice,
) -> Prepared:
    """Start services and box, fill the box, open the session in it."""
    refuse_what_is_lacking(job, containers)
    await containers.require()
    launching = asyncio.ensure_future(launch(job, containers, notice))
    listed = cache_lock.stamp(job.cache)
    listing = partial(filling.uploads, job, (*ready[0], *ready[1]))
    try:
        uploads = await asyncio.to_thread(listing)
        box, services, secrets = await launching
    finally:
        launching.cancel()
    session: Session | None = None
    if old := stale(job):
        session = Session(await box.start(), output)
        await session.open(scripts.emptied(old), SESSION_DEADLINE)
    async with cache_lock.reading(job.cache):
        if cache_lock.stamp(job.cache) != listed:
            uploads = await asyncio.to_thread(listing)
        spelled = None if session else box.spelled(uploads)
        if spelled is None:
            await box.put(uploads)
    session = session or Session(await box.start(), output)
    init = f"{job.root}/pipeline/{filling.INIT}/init.sh"
    hidden = (Variable(name, value) for name, value in job.hidden.items())
    prelude = scripts.prelude(job.run_id, (*job.public, *hidden, *secrets), init)
    always, once, deadline = prelude, spelled or "", SESSION_DEADLINE
    if isinstance(box, Taking):
        always = box.environment + prelude
        once, deadline = box.taking(uploads), TAKING_DEADLINE
    await asyncio.gather(
        session.open(always, deadline, once),
        *(containers.wait_ready(item, job.settings.service_timeout) for item in services),
    )
    if isinstance(box, Taking):
        box.taken()
    notice(Level.DEBUG, f"the steps run in {session.shell}")
    return Prepared(
        box=box,
        session=session,
        steps=ready[0],
        after_steps=ready[1],
        prelude=prelude,
        # Only a container has figures of its own.
        measure=job.settings.measure and Capability.IMAGES in containers.capabilities,
    )


def refuse_what_is_lacking(job: Job, containers: Containers) -> None:
    """Refuse a pipeline that needs what this door cannot do, in words."""
    pipeline, can = job.pipeline, containers.capabilities
    for service in pipeline.services:
        if service.url:
            from steersman.core import local_services

            raise UserError(
                f"{service.place}: {local_services.ELSEWHERE}",
                hint="build the image yourself and name it as `id`",
            )
    needs = [
        (pipeline.services, Capability.SERVICES, "services"),
        (pipeline.docker, Capability.PRIVILEGED, "docker: true"),
        (job.settings.direct_mount, Capability.VOLUMES, "--direct-mount"),
        (job.settings.commit, Capability.COMMIT, "--commit"),
        (job.settings.checkpoint, Capability.COMMIT, "--checkpoint"),
    ]
    for needed, capability, words in needs:
        if needed and capability not in can:
            raise UserError(
                f"pipeline {pipeline.name} needs {words}: not possible on {containers.name}",
                hint="start a container engine (Docker or Podman), or set DOCKER_HOST",
            )
    steps = (*job.steps, *pipeline.after_steps)
    if any(step.kind is StepKind.INTERNAL for step in steps):
        from steersman.executor.internal_steps import dispatch

        dispatch.refuse_what_is_lacking(steps, containers, job.settings)
