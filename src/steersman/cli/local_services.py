"""Builds the services that come from another project, before the run that needs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from steersman import pipeline_file
from steersman.cli import show
from steersman.cli.job import Request, build_job
from steersman.containers.base import Capability, Containers
from steersman.containers.images import Imaging
from steersman.core import local_services
from steersman.core.errors import Failed, Interrupted, UserError
from steersman.core.events import Audience, Level, Notice
from steersman.core.pipelines import pick
from steersman.core.pipelines.model import Box
from steersman.core.steps import State
from steersman.core.variables import Command
from steersman.executor import Job
from steersman.executor.attempt import Attempt

# What the user asked of the run itself, and not of those that make its services.
ONLY_THE_RUN: dict[str, Any] = {
    "pipeline": None, "deploy_target": None, "wercker_yml": None, "source_dir": None,
    "ignore_file": None, "run_id": None, "checkpoint": None, "commit": None, "tag": None,
    "message": None, "direct_mount": False, "expose_ports": False, "artifacts": False,
    "no_remove": False, "attach_on_error": False, "application_id": None,
    "application_name": None,
}  # fmt: skip


class Place(NamedTuple):
    """Where runs happen, and who hears of them."""

    containers: Containers
    tell: Audience
    cancelled: asyncio.Event


class Services:
    """The services of runs at one place; `remove` takes away the images made for them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made: list[tuple[str, str]] = []

    async def built(self, request: Request, job: Job, within: tuple[Path, ...] = ()) -> Job:
        """Return *job* with each service that has a `url` built and replaced by its image."""
        services = job.pipeline.services
        if not any(service.url for service in services):
            return job
        if Capability.COMMIT not in self._place.containers.capabilities:
            return job  # the door has no services at all, which is said soon
        images: dict[int, str] = {}
        for number, service in enumerate(services):
            if service.url:
                images[number] = local_services.image(job.run_id, number)
                await self._build(request, service, images[number], within)
        return job._replace(pipeline=local_services.filled(job.pipeline, images))

    async def _build(
        self, request: Request, service: Box, image: str, within: tuple[Path, ...]
    ) -> None:
        """Run the pipeline that makes *service*, and make *image* of its box."""
        tell, containers = self._place.tell, self._place.containers
        inner = _request(request, service, image, within)
        tell(
            Notice(
                Level.INFO, f"building service {local_services.alias(service)} from {service.url}"
            )
        )
        job = await asyncio.to_thread(build_job, inner, containers)
        job = await self.built(inner, job, (*within, inner.project))
        self._made.append((job.run_id, image))
        attempt = Attempt(
            job, containers, tell, cancelled=self._place.cancelled, clock=time.monotonic
        )
        outcome = await attempt.run()
        if outcome.state is State.CANCELLED:
            raise Interrupted("interrupted while a service was built")
        if outcome.state is not State.SUCCEEDED:
            alias = local_services.alias(service)
            raise Failed(f"{service.place}: service {alias} was not built: {service.url} failed")

    async def remove(self) -> None:
        """Take away what was made; containers of it must be gone by then."""
        for run_id, image in self._made:
            if isinstance(self._place.containers, Imaging):
                await self._place.containers.images(run_id).remove(image)
        self._made.clear()


def _request(request: Request, service: Box, image: str, within: Iterable[Path]) -> Request:
    """Return the request for what *service* is built from, as the user would make it there."""
    folder, name = local_services.wanted(service)
    project = (request.project / folder).resolve()
    if not project.is_dir():
        raise UserError(
            f"{service.place}: there is no folder {project}", hint=f"url: {service.url}"
        )
    if project in within:
        raise UserError(
            f"{service.place}: {project} is built from itself", hint="mind its services"
        )
    parsed = pipeline_file.read(pipeline_file.find(project))
    if parsed.problems:
        show.problems(parsed, warnings=not request.flags["quiet"])
    config = parsed.checked()
    return Request(
        command=Command.BUILD,
        project=project,
        working=request.working,
        config=config,
        pipeline=pick(config, name),
        flags={**request.flags, **ONLY_THE_RUN, "commit": f"{image}:latest"},
    )
