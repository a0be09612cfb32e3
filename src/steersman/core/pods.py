"""What the pod of an attempt holds, read off its pipeline before anything of it exists.

The same images, variables and links as on a container engine, but for what only images could tell.
All containers of a pod share one address, so each service is at 127.0.0.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from steersman.core import (
    filled_boxes,
    internal_steps,
    links,
    local_services,
    references,
    resources,
    retries,
    service_ports,
)
from steersman.core.errors import UserError
from steersman.core.filled_boxes import Values
from steersman.core.pipelines import boxes, model

ADDRESS = "127.0.0.1"
BOX = "box"
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


class Container(NamedTuple):
    """The box or a service: `wire.ContainerWanted`."""

    name: str
    image: str
    env: Mapping[str, str]
    secret_env: Mapping[str, str]
    entrypoint: tuple[str, ...] | None
    cmd: tuple[str, ...] | None
    user: str | None
    ports: tuple[str, ...] = ()


class Login(NamedTuple):
    """How to log in for one repository: *registry* is its host (`docker.io` is the hub) and path.

    No other image of that host gets to see it.
    """

    registry: str
    username: str
    password: str


class About(NamedTuple):
    """What is known of an attempt beside its pipeline. *labels* are for people."""

    attempt: str
    limit: float | None = None
    avoid: tuple[str, ...] = ()
    labels: Mapping[str, str] = MappingProxyType({})


class Pod(NamedTuple):
    """What the pod holds: `wire.PodWanted`."""

    box: Container
    services: tuple[Container, ...]
    logins: tuple[Login, ...]
    resources: Mapping[str, str]
    docker: bool
    avoid: tuple[str, ...]
    repeatable: bool
    limit: float | None
    labels: Mapping[str, str]


class _Linked(NamedTuple):
    alias: str
    address: str
    ports: tuple[str, ...]
    env: Mapping[str, str]


def wanted(pipeline: model.Pipeline, given: Values, about: About) -> Pod:
    """Return what the pod holds; `UserError` for a pipeline that cannot run in one."""
    if pipeline.box is None:
        raise UserError(f"pipeline {pipeline.name} has no box", hint="write `box: IMAGE`")
    _refuse_engine_steps(pipeline)
    links_env: dict[str, str] = {}
    services: list[Container] = []
    listening: list[service_ports.Listening] = []
    for box in pipeline.services:
        env = {**links_env, **filled_boxes.env(box, given)}
        alias, ports = boxes.service_name(box), ports_of(box, given)
        services.append(_service(box, env, given))
        listening.append(service_ports.Listening(alias, box.place, ports))
        linked = _Linked(alias, ADDRESS, ports, env)
        links_env |= links.variables(linked, run_id=about.attempt, passed_on=links_env)
    service_ports.refuse_clashes(listening)
    return Pod(
        box=_box(pipeline.box, links_env, given),
        services=tuple(services),
        logins=tuple(_logins((pipeline.box, *pipeline.services), given)),
        resources=resources.quantities(resources.of(pipeline.reserved)),
        docker=pipeline.docker,
        avoid=about.avoid,
        repeatable=retries.policy(pipeline).repeat_errors,
        limit=about.limit,
        labels=about.labels,
    )


def _refuse_engine_steps(pipeline: model.Pipeline) -> None:
    """Refuse steps that need a container engine; which target will run is not known here."""
    steps = () if pipeline.targets else (*pipeline.steps, *pipeline.after_steps)
    for step in steps:
        if step.id in internal_steps.INSTEAD:
            raise UserError(
                f"{step.place}: the step {step.id} is not possible in a pod",
                hint=internal_steps.INSTEAD[step.id],
            )


def _check_name(box: model.Box) -> None:
    """A service is found by a line of /etc/hosts, which a cluster takes only for proper names."""
    name = boxes.service_name(box)
    if not _HOST.issuperset(name) or name.strip("-.") != name or len(name) > 63:
        raise UserError(
            f"{box.place}: in a pod {name} cannot be the name of a service: it is no host name",
            hint="give it another `name`, of small letters, digits and '-'",
        )


def ports_of(box: model.Box, given: Values) -> tuple[str, ...]:
    """Return the ports of a service, as far as they are known without its image."""
    return service_ports.known(box.ports, filled_boxes.image(box, given).short_name)


def _service(box: model.Box, env: Mapping[str, str], given: Values) -> Container:
    if box.url:
        raise UserError(
            f"{box.place}: {local_services.ELSEWHERE}",
            hint="build the image yourself and name it as `id`",
        )
    _check_name(box)
    seen, secret = filled_boxes.split_hidden(env, given)
    return Container(
        name=boxes.service_name(box),
        image=filled_boxes.image(box, given).canonical,
        env=seen,
        secret_env=secret,
        entrypoint=box.entrypoint,
        cmd=box.cmd,
        user=None,
        ports=ports_of(box, given),
    )


def _box(box: model.Box, links_env: Mapping[str, str], given: Values) -> Container:
    """The box: what of its variables is hidden its session exports."""
    _check_user(box)
    seen, _ = filled_boxes.split_hidden({**filled_boxes.env(box, given), **links_env}, given)
    return Container(
        name=BOX,
        image=filled_boxes.image(box, given).canonical,
        env=seen,
        secret_env={},
        entrypoint=box.entrypoint,
        cmd=box.cmd,
        user=box.user,
    )


def _check_user(box: model.Box) -> None:
    """A pod takes numbers only: names are in the image, which nobody looks into before."""
    if box.user is None:
        return
    user, colon, group = box.user.partition(":")
    if not user.isdecimal() or (colon and not group.isdecimal()):
        raise UserError(
            f"{box.place}: the user {box.user} of the box has to be a number in a pod",
            hint="write `user: 1000` or `user: 1000:1000`, as `id` in the image says",
        )


def _logins(all_boxes: Iterable[model.Box], given: Values) -> Iterable[Login]:
    found: dict[str, Login] = {}
    for box in all_boxes:
        login = filled_boxes.login(box, given)
        if login is not None:
            image = filled_boxes.image(box, given)
            host = references.registry_host(image.registry or references.DOCKER_HUB)
            hub = host == references.DOCKER_HUB
            at = host if hub else f"{host}/{image.path}"
            found[at] = Login(at, login.username, login.password)
    return found.values()


def plain(pod: Pod) -> dict[str, Any]:
    """Return *pod* as data for JSON, as `wire.PodWanted` describes it."""
    return {
        **pod._asdict(),
        "box": _plain(pod.box),
        "services": [_plain(each) for each in pod.services],
        "logins": [each._asdict() for each in pod.logins],
        "resources": dict(pod.resources),
        "avoid": list(pod.avoid),
        "labels": dict(pod.labels),
    }


def _plain(container: Container) -> dict[str, Any]:
    return {
        **container._asdict(),
        "env": dict(container.env),
        "secret_env": dict(container.secret_env),
        "entrypoint": None if container.entrypoint is None else list(container.entrypoint),
        "cmd": None if container.cmd is None else list(container.cmd),
        "ports": list(container.ports),
    }
