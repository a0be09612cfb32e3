"""From a job to a box that waits for its first step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from steersman import trees
from steersman.containers.base import (
    Box,
    BoxSpec,
    Capability,
    Containers,
    Image,
    Login,
    Mount,
    Service,
    ServiceSpec,
    Upload,
)
from steersman.core import interpolation, links, ports, references, scripts, steps
from steersman.core.errors import UserError
from steersman.core.events import Level
from steersman.core.manifests import Manifest
from steersman.core.pipelines import boxes, model
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.variables import Variable
from steersman.executor.job import Job
from steersman.sessions.session import Session
from steersman.trees import Entry, Kind

Notice = Callable[[Level, str], None]
SESSION_DEADLINE = 30.0
"""Seconds a started box has to say that its shell is ready."""


class ReadyStep(NamedTuple):
    """A step with its files at hand. *root* and *report* are its folders in the box."""

    step: Step
    manifest: Manifest | None
    entries: tuple[Entry, ...]
    root: str
    report: str

    @property
    def has_init(self) -> bool:
        return any(entry.name == "init.sh" for entry in self.entries)

    @property
    def has_run(self) -> bool:
        return any(entry.name == "run.sh" for entry in self.entries)


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Prepared:
    """A box in which the session waits. *unset_next* are names the last step leaves to unset."""

    box: Box
    session: Session
    steps: tuple[ReadyStep, ...]
    after_steps: tuple[ReadyStep, ...]
    prelude: str
    unset_next: tuple[str, ...] = ()


async def read_steps(
    job: Job, notice: Notice
) -> tuple[tuple[ReadyStep, ...], tuple[ReadyStep, ...]]:
    """Fetch every step, main and after, and check its properties, before anything starts."""
    main = [await _read_step(job, step, notice) for step in job.steps]
    after = [await _read_step(job, step, notice) for step in job.pipeline.after_steps]
    return tuple(main), tuple(after)


async def _read_step(job: Job, step: Step, notice: Notice) -> ReadyStep:
    if step.kind is StepKind.INTERNAL:
        raise UserError(
            f"{step.place}: the step {step.id} is not supported yet",
            hint="take it out, or run a pipeline without it (--pipeline, --deploy-target)",
        )
    if step.kind is StepKind.SCRIPT:
        fetched = job.step_store.fetch(step)
    else:
        fetched = await asyncio.to_thread(job.step_store.fetch, step)
    for warning in fetched.warnings:
        notice(Level.WARNING, warning)
    folder = steps.folder_name(step.name, job.new_id())
    return ReadyStep(
        step=step,
        manifest=fetched.manifest,
        entries=tuple(fetched.entries),
        root=f"{job.root}/pipeline/{folder}",
        report=f"{job.root}/report/{folder}",
    )


async def set_up(
    job: Job,
    ready: tuple[tuple[ReadyStep, ...], tuple[ReadyStep, ...]],
    containers: Containers,
    output: Callable[[bytes], None],
    notice: Notice,
) -> Prepared:
    """Start services and box, fill the box and open the session in it."""
    refuse_what_is_lacking(job, containers)
    await containers.require()
    creating = asyncio.ensure_future(_create(job, containers, notice))
    try:
        uploads = await asyncio.to_thread(_uploads, job, (*ready[0], *ready[1]))
        box, services = await creating
    finally:
        creating.cancel()
    filling = box.spelled(uploads)
    if filling is None:
        await box.put(uploads)
    session = Session(await box.start(), output)
    init = f"{job.root}/pipeline/{INIT}/init.sh"
    variables = (*job.public, *(Variable(k, v, expand=False) for k, v in job.hidden.items()))
    prelude = scripts.prelude(job.run_id, variables, init)
    await asyncio.gather(
        session.open((filling or "") + prelude, SESSION_DEADLINE),
        *(containers.wait_ready(item, job.settings.service_timeout) for item in services),
    )
    return Prepared(box=box, session=session, steps=ready[0], after_steps=ready[1], prelude=prelude)


INIT = "wercker-init"


def refuse_what_is_lacking(job: Job, containers: Containers) -> None:
    """Refuse a pipeline that needs what this door cannot do, in words."""
    pipeline, can = job.pipeline, containers.capabilities
    for service in pipeline.services:
        if service.url:
            raise UserError(
                f"{service.place}: services built from another folder (url) are not supported yet",
                hint="build the image yourself and name it as `id`",
            )
    needs = [
        (pipeline.services, Capability.SERVICES, "services"),
        (pipeline.docker, Capability.PRIVILEGED, "docker: true"),
        (job.settings.direct_mount, Capability.VOLUMES, "--direct-mount"),
    ]
    for needed, capability, words in needs:
        if needed and capability not in can:
            raise UserError(
                f"pipeline {pipeline.name} needs {words}: not possible on {containers.name}",
                hint="start a container engine (Docker or Podman), or set DOCKER_HOST",
            )


async def _create(
    job: Job, containers: Containers, notice: Notice
) -> tuple[Box, tuple[Service, ...]]:
    services: list[Service] = []
    links_env: dict[str, str] = {}
    for spec in job.pipeline.services:
        services.append(await _start_service(job, spec, containers, links_env, notice))
        links_env |= links.variables(services[-1], run_id=job.run_id, passed_on=links_env)
    box = await _create_box(job, containers, links_env, notice)
    return box, tuple(services)


async def _image(job: Job, box: model.Box, containers: Containers, notice: Notice) -> Image:
    values = _values(job)
    tag = interpolation.interpolate(box.tag, values) if box.tag else None
    name = str(references.image(interpolation.interpolate(box.id, values), tag))
    login = None
    if box.username and box.password:
        login = Login(
            username=interpolation.interpolate(box.username, values),
            password=interpolation.interpolate(box.password, values),
            registry=interpolation.interpolate(box.registry or "", values) or None,
        )
    return await containers.image(
        name, pull=job.settings.pull, login=login, tell=lambda text: notice(Level.INFO, text)
    )


def passwords(job: Job) -> list[str]:
    """Return the passwords of registries, which nobody should see either."""
    boxes_of_all = (job.pipeline.box, *job.pipeline.services)
    texts = [box.password for box in boxes_of_all if box and box.password]
    return [interpolation.interpolate(text, _values(job)) for text in texts]


def _values(job: Job) -> Mapping[str, str]:
    return {item.name: item.value for item in job.public} | dict(job.hidden)


def _env(job: Job, box: model.Box) -> dict[str, str]:
    values = _values(job)
    return {name: interpolation.interpolate(text, values) for name, text in box.env.items()}


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
            env={**links_env, **_env(job, box)},
            mounts=_mounts(job, box),
            ports=ports.bindings(box.ports, publish=job.settings.expose_ports),
            network=job.settings.network,
        )
    )


async def _create_box(
    job: Job, containers: Containers, links_env: Mapping[str, str], notice: Notice
) -> Box:
    box = job.pipeline.box
    if box is None:
        raise UserError(f"pipeline {job.pipeline.name} has no box", hint="write `box: IMAGE`")
    image = await _image(job, box, containers, notice)
    docker_mounts, docker_env = (
        containers.inner_engine(job.run_id) if job.pipeline.docker else ((), {})
    )
    published = ports.bindings(box.ports, publish=True) if job.settings.expose_ports else ()
    return await containers.create_box(
        BoxSpec(
            run_id=job.run_id,
            image=image,
            networked=bool(job.pipeline.services),
            shell=box.cmd,
            entrypoint=box.entrypoint,
            env={**_env(job, box), **links_env, **docker_env},
            user=box.user,
            mounts=(*_direct_mounts(job), *_mounts(job, box), *docker_mounts),
            ports=published,
            privileged=job.pipeline.docker,
            dns=job.settings.dns,
            memory=job.settings.memory,
            network=job.settings.network,
        )
    )


def _mounts(job: Job, box: model.Box) -> tuple[Mount, ...]:
    if not job.settings.enable_volumes:
        return ()
    text = interpolation.interpolate(box.volumes, _values(job))
    pairs = (part.partition(":") for part in text.replace(",", " ").split())
    return tuple(Mount(source=host, target=guest or host) for host, _, guest in pairs)


def _direct_mounts(job: Job) -> tuple[Mount, ...]:
    if not job.settings.direct_mount:
        return ()
    job.cache.mkdir(parents=True, exist_ok=True)
    return (
        Mount(source=str(job.source.resolve()), target=job.base_path),
        Mount(source=str(job.cache.resolve()), target=f"{job.root}/pipeline/cache"),
    )


def _uploads(job: Job, ready: tuple[ReadyStep, ...]) -> list[Upload]:
    """Name everything the box needs before it starts."""
    folders = ["output", *(() if job.settings.direct_mount else ("cache",))]
    pipeline = [_folder(""), *map(_folder, folders), _folder(INIT)]
    pipeline.append(_text(f"{INIT}/init.sh", job.step_store.init_script))
    for step in ready:
        top = step.root.rpartition("/")[2]
        pipeline.append(_folder(top))
        pipeline += [_below(top, entry) for entry in step.entries if entry.name]
    reports = [_folder("")]
    for step in ready:
        top = step.report.rpartition("/")[2]
        reports += [_folder(top), _folder(f"{top}/artifacts")]
    uploads = [
        Upload(target=f"{job.root}/pipeline", entries=pipeline),
        Upload(target=f"{job.root}/report", entries=reports),
    ]
    if not job.settings.direct_mount:
        uploads.append(Upload(target=job.base_path, entries=trees.scan(job.source, job.skip)))
        if job.cache.is_dir():
            uploads.append(
                Upload(target=f"{job.root}/pipeline/cache", entries=trees.scan(job.cache))
            )
    return uploads


def _folder(name: str) -> Entry:
    return Entry(name=name, kind=Kind.FOLDER, mode=0o755)


def _text(name: str, text: str) -> Entry:
    data = text.encode()
    return Entry(name=name, kind=Kind.FILE, mode=0o755, source=data, size=len(data))


def _below(top: str, entry: Entry) -> Entry:
    target = f"{top}/{entry.target}" if entry.kind is Kind.HARDLINK else entry.target
    return entry._replace(name=f"{top}/{entry.name}", target=target)
