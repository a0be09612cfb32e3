"""The box as an image of the engine: checkpoints, and what `--commit` asks for."""

from __future__ import annotations

from steersman.containers.base import Containers
from steersman.containers.images import Imaging
from steersman.core import checkpoints, filled_boxes
from steersman.core.errors import Refused, UserError
from steersman.core.events import Level
from steersman.core.image_changes import Commit
from steersman.core.references import Reference
from steersman.executor.fetching import Notice
from steersman.executor.job import Job


async def commit(job: Job, containers: Containers, name: Reference, message: str) -> None:
    """Make the image *name* of the box as it is now."""
    if not isinstance(containers, Imaging):
        raise UserError(f"no images are made on {containers.name}")
    images = containers.images(job.run_id)
    image = await images.commit(Commit(message=message))
    try:
        await images.tag(image, name)
    except BaseException:
        await images.remove(image)
        raise


async def checkpoint(job: Job, containers: Containers, name: str, notice: Notice) -> None:
    """Keep the box as checkpoint *name*; a run goes on without one that cannot be made."""
    box = job.pipeline.box
    if box is None or not job.settings.attended:
        return  # only a machine of one's own keeps images
    if not isinstance(containers, Imaging):
        text = f"checkpoint {name} is not made: not possible on {containers.name}"
        notice(Level.WARNING, text)
        return
    wanted = checkpoints.image(_image(job), name)
    try:
        await commit(job, containers, wanted, f"checkpoint {name} of {job.pipeline.name}")
    except Refused as error:
        notice(Level.WARNING, f"checkpoint {name} is not made: {error}")
    else:
        notice(
            Level.INFO, f"checkpoint {name} is the image {wanted}; --checkpoint {name} begins here"
        )


def _image(job: Job) -> Reference:
    if job.pipeline.box is None:
        raise UserError(f"pipeline {job.pipeline.name} has no box", hint="write `box: IMAGE`")
    return filled_boxes.image(job.pipeline.box, filled_boxes.values(job.public, job.hidden))
