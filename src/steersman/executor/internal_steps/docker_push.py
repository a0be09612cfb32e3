"""`internal/docker-push`: the box as it is now, or an image of docker-build, to a registry."""

from __future__ import annotations

from steersman.core import image_builds, image_changes
from steersman.core.errors import Refused
from steersman.core.pipelines.model import Step
from steersman.executor.internal_steps import engine, pushing, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.stepping import Ended


class DockerPush:
    """Commits the box and pushes that, unless `image-name` names an image of this run."""

    needs = engine.NEEDS
    instead = engine.INSTEAD
    attended = False

    def check(self, step: Step) -> None:
        pushing.check(step)

    async def run(self, scene: Scene, step: Step) -> Ended:
        given = await variables.read(scene, step)
        where = pushing.target(scene, step, given)
        images = engine.images(scene)
        if named := given.fill(step.properties.get("image-name", "")):
            image = image_builds.image_name(scene.job.run_id, named)
            if not await images.exists(image):
                raise Refused(
                    f"no image {named} was built in this run",
                    hint="build it before, by internal/docker-build with this image-name",
                )
            await pushing.push(scene, step, given, image, where)
            return passed()
        wanted = image_changes.commit(step.properties, given.fill)
        scene.say("making an image of the box")
        image = await images.commit(wanted)
        try:
            await pushing.push(scene, step, given, image, where)
        except BaseException:
            await images.remove(image)  # without a name nobody would find it
            raise
        return passed()


STEP = DockerPush()
