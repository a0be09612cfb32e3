"""`internal/docker-run`: a container beside the box, known to it by its name."""

from __future__ import annotations

import re

from steersman.containers.base import Image, PullPolicy, ServiceSpec
from steersman.core import image_builds, image_changes, internal_steps, ports, references
from steersman.core import registry_logins as registries
from steersman.core.errors import UserError
from steersman.core.image_changes import Fill, Properties
from steersman.core.pipelines.model import Step
from steersman.executor import registry_logins
from steersman.executor.internal_steps import engine, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.internal_steps.variables import Variables
from steersman.executor.stepping import Ended


class DockerRun:
    """Starts an image of docker-build, or one of a registry; it ends with the run at the latest."""

    needs = engine.NEEDS
    instead = internal_steps.INSTEAD[internal_steps.RUN]
    attended = False

    def check(self, step: Step) -> None:
        found = variables.settled(step)
        if "name" in found:
            container_name(found, variables.unfilled)
        for name in ("cmd", "entrypoint", "env"):
            image_changes.split(step.properties, name)
        ports.bindings(image_changes.split(found, "ports"), publish=True)
        image_changes.boolean(step.properties, variables.UNSYNCED)

    async def run(self, scene: Scene, step: Step) -> Ended:
        given = await variables.read(scene, step)
        spec = await _spec(scene, step.properties, given)
        started = await scene.containers.start_service(spec)
        container = started.container[:12]
        scene.say(f"container {spec.alias} is started ({spec.image.name}, {container})")
        return passed()


def container_name(properties: Properties, fill: Fill) -> str:
    """Return the name of the container, which is its host name as well."""
    name = fill(properties.get("name", ""))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name):
        raise UserError(
            f"name: {name!r} cannot be the name of a container",
            hint="use letters, digits, '-', '_' and '.', at most 63",
        )
    return name


async def _spec(scene: Scene, properties: Properties, given: Variables) -> ServiceSpec:
    settings = scene.job.settings
    texts = image_changes.split(properties, "ports")
    return ServiceSpec(
        run_id=scene.job.run_id,
        alias=container_name(properties, given.fill),
        image=await _image(scene, properties, given),
        cmd=_command(properties, "cmd", given),
        entrypoint=_command(properties, "entrypoint", given),
        env=image_changes.pairs(properties, "env", given.fill),
        ports=ports.bindings(map(given.fill, texts), publish=settings.expose_ports),
        network=settings.network,
        user=given.fill(properties.get("user", "")) or None,
        working_dir=given.fill(properties.get("working-dir", "")) or None,
    )


def _command(properties: Properties, name: str, given: Variables) -> tuple[str, ...] | None:
    """Fill what the pipeline knows; the rest may be a variable of the container."""
    words = image_changes.command(properties, name)
    return None if words is None else tuple(map(given.fill_known, words))


async def _image(scene: Scene, properties: Properties, given: Variables) -> Image:
    name = given.fill(properties.get("image", ""))
    if not name:
        raise UserError("image is empty", hint="a variable in it may be empty here")
    built = _built(scene.job.run_id, name)
    if built and await engine.images(scene).exists(built):
        return await scene.containers.image(built, pull=PullPolicy.NEVER)
    login = await registry_logins.login(registries.credentials(properties, given.fill))
    wanted = str(references.image(name))
    return await scene.containers.image(
        wanted, pull=scene.job.settings.pull, login=login, tell=scene.say
    )


def _built(run_id: str, name: str) -> str | None:
    """Return what an image of docker-build is called; None where no such image could be."""
    try:
        return image_builds.image_name(run_id, name)
    except UserError:
        return None


STEP = DockerRun()
