"""Images, services and the box of a job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from steersman.containers.base import (
    Box,
    BoxSpec,
    Containers,
    Image,
    Login,
    Mount,
    PullPolicy,
    Service,
    ServiceSpec,
)
from steersman.core import (
    filled_boxes,
    internal_steps,
    links,
    ports,
    registry_logins,
)
from steersman.core.errors import Refused, UserError
from steersman.core.events import Level
from steersman.core.filled_boxes import Values
from steersman.core.masking import Masker
from steersman.core.pipelines import boxes, model
from steersman.core.variables import Variable
from steersman.executor.fetching import Notice
from steersman.executor.job import Job


class Launched(NamedTuple):
    """A box that was created beside its services. *secrets* are variables of the box that hold a
    hidden value: its session exports them, since anybody may look at a container's settings.
    """

    box: Box
    services: tuple[Service, ...]
    secrets: tuple[Variable, ...]


async def launch(job: Job, containers: Containers, notice: Notice) -> Launched:
    """Start the services one after the other, each told of those before it, and create the box."""
    services: list[Service] = []
    links_env: dict[str, str] = {}
    for spec in job.pipeline.services:
        services.append(await _start_service(job, spec, containers, links_env, notice))
        links_env |= links.variables(services[-1], run_id=job.run_id, passed_on=links_env)
    box, secrets = await _create_box(job, containers, links_env, notice)
    return Launched(box, tuple(services), secrets)


async def _checkpoint(job: Job, box: model.Box, containers: Containers) -> Image:
    """Return the image of the checkpoint that is begun at; only this machine has it."""
    from steersman.core import checkpoints

    name = job.settings.checkpoint
    wanted = checkpoints.image(filled_boxes.image(box, _values(job)), name)
    try:
        return await containers.image(str(wanted), pull=PullPolicy.NEVER)
    except Refused as error:
        raise UserError(
            f"checkpoint {name} was not made here yet: there is no image {wanted}",
            hint="run the pipeline once without --checkpoint",
        ) from error


async def _image(job: Job, box: model.Box, containers: Containers, notice: Notice) -> Image:
    given, pull = _values(job), job.settings.pull
    wanted = filled_boxes.image(box, given)
    found = filled_boxes.login(box, given)
    login = Login(*found) if found else None
    if box.auth:
        who = registry_logins.of_box(box, given.fill)
        wanted = registry_logins.located(wanted, who)
        if pull is PullPolicy.MISSING:  # a login costs a request or two
            with suppress(Refused):
                return await containers.image(str(wanted), pull=PullPolicy.NEVER)
        if pull is not PullPolicy.NEVER:
            from steersman.executor.registry_logins import login as exchanged

            login = await exchanged(who)
    return await containers.image(
        str(wanted),
        pull=pull,
        login=login,
        tell=lambda text: notice(Level.INFO, text),
    )


def masker(job: Job) -> Masker:
    """Return what keeps secrets from being seen: hidden values, and passwords of registries."""
    return Masker((*job.hidden.values(), *_passwords(job)))


def _passwords(job: Job) -> list[str]:
    given = _values(job)
    of_steps = internal_steps.secrets((*job.steps, *job.pipeline.after_steps), given.fill)
    boxes = (job.pipeline.box, *job.pipeline.services)
    of_boxes = [
        given.fill(box.auth[name])
        for box in boxes
        for name in registry_logins.SECRETS
        if box is not None and name in box.auth
    ]
    return [*filled_boxes.passwords(job.pipeline, given), *of_boxes, *of_steps]


def _values(job: Job) -> Values:
    return filled_boxes.values(job.public, job.hidden)


async def _start_service(
    job: Job,
    box: model.Box,
    containers: Containers,
    links_env: Mapping[str, str],
    notice: Notice,
) -> Service:
    image = await _image(job, box, containers, notice)
    alias = boxes.service_name(box)
    notice(Level.INFO, f"starting service {alias} ({image.name})")
    return await containers.start_service(
        ServiceSpec(
            run_id=job.run_id,
            alias=alias,
            image=image,
            cmd=box.cmd,
            entrypoint=box.entrypoint,
            env={**links_env, **filled_boxes.env(box, _values(job))},
            mounts=_mounts(job, box),
            ports=ports.bindings(box.ports, publish=job.settings.expose_ports),
            network=job.settings.network,
        )
    )


async def _create_box(
    job: Job, containers: Containers, links_env: Mapping[str, str], notice: Notice
) -> tuple[Box, tuple[Variable, ...]]:
    box = job.pipeline.box
    if box is None:
        raise UserError(f"pipeline {job.pipeline.name} has no box", hint="write `box: IMAGE`")
    begins_at = job.settings.checkpoint
    image = await (
        _checkpoint(job, box, containers) if begins_at else _image(job, box, containers, notice)
    )
    docker_mounts, docker_env = (
        containers.inner_engine(job.run_id) if job.pipeline.docker else ((), {})
    )
    given = _values(job)
    env = {**filled_boxes.env(box, given), **links_env, **docker_env}
    seen, secret = filled_boxes.split_hidden(env, given)
    steps = (*job.steps, *job.pipeline.after_steps)
    kept = internal_steps.keep_box(steps) or job.settings.commit is not None
    if kept:  # what is of this run only has no place in an image
        passing = {**links_env, **docker_env}
        secret |= {name: value for name, value in seen.items() if name in passing}
        seen = {name: value for name, value in seen.items() if name not in passing}
    exposed = (*(box.ports if job.settings.expose_ports else ()), *job.settings.publish)
    published = ports.bindings(exposed, publish=True)
    created = await containers.create_box(
        BoxSpec(
            run_id=job.run_id,
            image=image,
            networked=bool(job.pipeline.services)
            or job.settings.isolate
            or internal_steps.need_network(steps),
            shell=box.cmd,
            entrypoint=box.entrypoint,
            env=seen,
            user=box.user,
            mounts=(*_direct_mounts(job), *_own_mounts(job, box), *docker_mounts),
            ports=published,
            privileged=job.pipeline.docker,
            dns=job.settings.dns,
            memory=job.settings.memory,
            network=job.settings.network,
            kept=kept,
        )
    )
    return created, tuple(Variable(name, value) for name, value in secret.items())


def _mounts(job: Job, box: model.Box, *, wanted: bool = False) -> tuple[Mount, ...]:
    if not box.volumes or not (wanted or job.settings.enable_volumes):
        return ()
    from steersman.core import volumes

    found = volumes.parse(_values(job).fill(box.volumes), str(job.source.resolve()))
    return tuple(Mount(*each) for each in found)


def _own_mounts(job: Job, box: model.Box) -> tuple[Mount, ...]:
    """Return what the box itself names; as in the original `docker: true` brings that with it.

    Who has the engine can mount whatever there is anyway.
    """
    return _mounts(job, box, wanted=job.pipeline.docker and job.settings.attended)


def stale(job: Job) -> tuple[str, ...]:
    """Name the folders in which a checkpoint's image has what another run left.

    Never one in which a folder of this machine stands: those are to be emptied.
    """
    if not job.settings.checkpoint or job.pipeline.box is None:
        return ()
    seen = [mount.target for mount in (*_direct_mounts(job), *_own_mounts(job, job.pipeline.box))]
    folders = (
        job.base_path,
        *(f"{job.root}{name}" for name in ("/pipeline/output", "/pipeline/cache", "/report")),
    )
    return tuple(
        folder
        for folder in folders
        if not any(f"{target.rstrip('/')}/".startswith(f"{folder}/") for target in seen)
    )


def _direct_mounts(job: Job) -> tuple[Mount, ...]:
    if not job.settings.direct_mount:
        return ()
    job.cache.mkdir(parents=True, exist_ok=True)
    return (
        Mount(source=str(job.source.resolve()), target=job.base_path),
        Mount(source=str(job.cache.resolve()), target=f"{job.root}/pipeline/cache"),
    )
