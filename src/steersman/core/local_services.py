"""Services that are built from another project: `url: file://DIR#PIPELINE`."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from steersman.core.errors import UserError
from steersman.core.pipelines import boxes
from steersman.core.pipelines.model import Box, Pipeline

SCHEME = "file://"
PIPELINE = "build"
ELSEWHERE = "services built from another folder (url) are built by `steer` on your own machine only"


class Wanted(NamedTuple):
    """What a service is built from; *folder* is relative to the project unless it is absolute."""

    folder: str
    pipeline: str


def wanted(service: Box) -> Wanted:
    """Read the address of *service*."""
    folder, _, pipeline = (service.url or "").removeprefix(SCHEME).partition("#")
    if not folder:
        raise UserError(f"{service.place}: url names no folder", hint="write `file://DIR#PIPELINE`")
    return Wanted(unquote(folder), unquote(pipeline) or PIPELINE)


def alias(service: Box) -> str:
    """Return the host name of *service*: its `name`, its `id`, else the name of the folder."""
    if service.name or service.id != service.url:
        return boxes.service_name(service)
    name = wanted(service).folder.rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"[^a-z0-9-]+", "-", name).strip("-") or "service"


def image(run_id: str, number: int) -> str:
    """Return the name of the image of the *number*th service of a run."""
    return f"steersman-service-{run_id.lower()}-{number}"


def filled(pipeline: Pipeline, images: dict[int, str]) -> Pipeline:
    """Return *pipeline* with services that run what was built for them."""
    services = tuple(
        service._replace(id=images[number], tag=None, url=None, name=alias(service))
        if number in images
        else service
        for number, service in enumerate(pipeline.services)
    )
    return pipeline._replace(services=services)
