"""`internal/publish-step`: a step that this pipeline made, to a registry of steps."""

from __future__ import annotations

import tempfile
from pathlib import Path

from steersman.containers.base import Capability
from steersman.core import image_changes
from steersman.core.errors import UserError
from steersman.core.pipelines.model import Step
from steersman.executor.internal_steps import boxes, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.job import StepToPublish
from steersman.executor.stepping import Ended
from steersman.step_store import MANIFESTS


class PublishStep:
    """Takes a folder of the source out of the box and publishes it."""

    needs = frozenset[Capability]()
    instead = "`steer step publish` does the same from a folder"
    attended = False

    def check(self, step: Step) -> None:
        image_changes.boolean(step.properties, variables.UNSYNCED)
        image_changes.boolean(step.properties, "private")
        _below(step.properties.get("path", ""))

    async def run(self, scene: Scene, step: Step) -> Ended:
        publish = scene.job.publish
        if publish is None:
            raise UserError(
                "a job of this server publishes no steps", hint=self.instead + ", with a token"
            )
        given = await variables.read(scene, step)
        owner = given.fill(step.properties.get("owner", ""))
        if not owner:
            raise UserError("owner is empty", hint="a file then uses the step as OWNER/NAME")
        where = f"{scene.job.base_path}/{_below(step.properties.get('path', ''))}".rstrip("/")
        with tempfile.TemporaryDirectory(dir=scene.job.folder, prefix=".step-") as name:
            folder = Path(name, "step")
            await boxes.fetch(scene, where, folder, "the step")
            if not any((folder / manifest).is_file() for manifest in MANIFESTS):
                raise UserError(f"{where} holds no {MANIFESTS[0]}", hint="`path` names its folder")
            wanted = StepToPublish(
                folder,
                owner,
                given.fill(step.properties.get("endpoint", "")),
                given.fill(step.properties.get("auth-token", "")),
            )
            scene.say(await publish(wanted))
        return passed()


def _below(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UserError(f"path: {text!r} leads out of the source")
    return "/".join(parts)


STEP = PublishStep()
