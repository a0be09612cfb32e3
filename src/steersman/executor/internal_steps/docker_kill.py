"""`internal/docker-kill`: the end of a container of docker-run, and what it printed."""

from __future__ import annotations

from steersman.core.pipelines.model import Step
from steersman.executor.internal_steps import docker_run, engine, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.stepping import Ended


class DockerKill:
    """Kills and removes it; one that is not there fails the step."""

    needs = engine.NEEDS
    instead = docker_run.DockerRun.instead
    attended = False

    def check(self, step: Step) -> None:
        if "name" in (found := variables.settled(step)):
            docker_run.container_name(found, variables.unfilled)

    async def run(self, scene: Scene, step: Step) -> Ended:
        given = await variables.read(scene, step)
        name = docker_run.container_name(step.properties, given.fill)
        said = await engine.images(scene).kill(name)
        if said:
            scene.say(f"container {name} printed:")
            scene.output(said.encode())
        return passed()


STEP = DockerKill()
