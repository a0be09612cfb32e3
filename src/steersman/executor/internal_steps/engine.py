"""What the steps that need a container engine have in common."""

from __future__ import annotations

from steersman.containers.base import Capability
from steersman.containers.images import Images, Imaging
from steersman.core import internal_steps
from steersman.core.errors import UserError
from steersman.executor.internal_steps.base import Scene

NEEDS = frozenset({Capability.COMMIT})
INSTEAD = internal_steps.INSTEAD[internal_steps.PUSH]


def images(scene: Scene) -> Images:
    """Return the images of this run."""
    if not isinstance(scene.containers, Imaging):
        raise UserError(f"no images are made on {scene.containers.name}", hint=INSTEAD)
    return scene.containers.images(scene.job.run_id)
