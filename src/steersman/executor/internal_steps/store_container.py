"""`internal/store-container`: the box as an image's archive, among what the run leaves."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from steersman.containers.images import Images
from steersman.core.errors import UserError
from steersman.core.image_changes import Commit
from steersman.core.pipelines.model import Step
from steersman.core.references import Reference
from steersman.executor.internal_steps import engine
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.stepping import Ended
from steersman.executor.storing import size_words

FOLDER = "store-container"
FILE = "image.tar"
MIB = 1024 * 1024


class StoreContainer:
    """Commits the box as `run-RUN`, saves that, and takes it away from the engine again."""

    needs = engine.NEEDS
    instead = engine.INSTEAD
    attended = False

    def check(self, step: Step) -> None:
        return None

    async def run(self, scene: Scene, step: Step) -> Ended:
        job, images = scene.job, engine.images(scene)
        name = Reference(None, f"run-{job.run_id.lower()}", "latest")
        image = await images.commit(Commit(message=f"Run {job.run_id}"))
        try:
            await images.tag(image, name)
        except BaseException:
            await images.remove(image)
            raise
        folder = job.folder / "reports" / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        try:
            size, digest = await _save(images, str(name), folder / FILE, _most(scene))
        finally:
            await images.remove(str(name))
        where = f"{FOLDER}/{FILE}" if job.settings.shared else folder / FILE
        scene.say(f"stored the box as {where}, {size_words(size)}, sha256 {digest}")
        scene.say(f"`docker load -i` makes the image {name} of it")
        return passed()


def _most(scene: Scene) -> int:
    return scene.job.settings.report_limits.size


async def _save(images: Images, name: str, path: Path, most: int) -> tuple[int, str]:
    part, size, digest = path.with_name(f".{path.name}"), 0, hashlib.sha256()
    try:
        with part.open("wb") as file:
            async with images.save(name) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > most:
                        raise UserError(
                            f"the image of the box is larger than {most // MIB} MiB",
                            hint="push it instead, by internal/docker-push",
                        )
                    digest.update(piece)
                    file.write(piece)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return size, digest.hexdigest()


STEP = StoreContainer()
