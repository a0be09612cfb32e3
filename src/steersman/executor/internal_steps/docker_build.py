"""`internal/docker-build`: an image out of a Dockerfile in the source, as the steps left it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from steersman import trees
from steersman.core import dockerignores, image_builds, image_changes
from steersman.core.errors import UserError
from steersman.core.image_builds import Build
from steersman.core.pipelines.model import Step
from steersman.executor.internal_steps import boxes, engine, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.stepping import Ended
from steersman.trees import Entry

IGNORES = ".dockerignore"
_FLAGS = ("no-cache", "q", "squash", variables.UNSYNCED)


class DockerBuild:
    """Sends the source, less what .dockerignore names, to the engine and has it built."""

    needs = engine.NEEDS
    instead = engine.INSTEAD
    attended = False

    def check(self, step: Step) -> None:
        found = {"image-name": "x", **variables.settled(step)}
        image_builds.wanted(found, variables.unfilled, "")
        for name in _FLAGS:
            image_changes.boolean(step.properties, name)

    async def run(self, scene: Scene, step: Step) -> Ended:
        given = await variables.read(scene, step)
        wanted = image_builds.wanted(step.properties, given.fill, scene.job.run_id)
        where = f"{scene.job.base_path}/{wanted.context}".rstrip("/")
        with tempfile.TemporaryDirectory(dir=scene.job.folder, prefix=".context-") as name:
            folder = Path(name, "context")
            await boxes.fetch(scene, where, folder, "the context of the build")
            entries = await asyncio.to_thread(_context, folder, wanted)
            await engine.images(scene).build(wanted, trees.pack(entries), scene.output)
        return passed()


def _context(folder: Path, wanted: Build) -> list[Entry]:
    """List what the engine gets: the Dockerfile always, whatever .dockerignore says of it."""
    if not (folder / wanted.dockerfile).is_file():
        raise UserError(
            f"there is no {wanted.dockerfile} in the source"
            + (f"'s folder {wanted.context}" if wanted.context else ""),
            hint="`dockerfile` is a path below `context`, and that one below the source",
        )
    rules = dockerignores.Rules()
    ignores = folder / IGNORES
    if ignores.is_file() and not ignores.is_symlink():
        rules = dockerignores.parse(ignores.read_text("utf-8", "surrogateescape"))
    needed = {IGNORES, wanted.dockerfile}
    return [
        entry
        for entry in trees.scan(folder)
        if entry.name and (entry.name in needed or not rules.leaves_out(entry.name))
    ]


STEP = DockerBuild()
