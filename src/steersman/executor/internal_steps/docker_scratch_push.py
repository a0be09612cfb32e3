"""`internal/docker-scratch-push`: an image of the pipeline's output and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from steersman import trees
from steersman.core import image_archives, image_changes
from steersman.core.image_archives import About
from steersman.core.pipelines.model import Step
from steersman.core.registry_logins import Target
from steersman.executor.internal_steps import boxes, engine, pushing, variables
from steersman.executor.internal_steps.base import Scene, passed
from steersman.executor.stepping import Ended
from steersman.trees import Entry, Kind


class Layer(NamedTuple):
    """The one layer: the file that holds it, and its digest."""

    file: Path
    digest: str


class DockerScratchPush:
    """Packs the output, or the source where the output has no files, as the root of an image."""

    needs = engine.NEEDS
    instead = engine.INSTEAD
    attended = False

    def check(self, step: Step) -> None:
        pushing.check(step)

    async def run(self, scene: Scene, step: Step) -> Ended:
        given = await variables.read(scene, step)
        where = pushing.target(scene, step, given)
        wanted = image_changes.commit(step.properties, given.fill)
        images = engine.images(scene)
        about = About(await images.platform(), datetime.now(UTC), wanted.author, wanted.message)
        with tempfile.TemporaryDirectory(dir=scene.job.folder, prefix=".image-") as name:
            layer = await _layer(scene, Path(name))
            config = image_archives.config(wanted.changes, about, [layer.digest])
            await images.load(_archive(config, layer, where))
        await pushing.push(scene, step, given, str(where.names[0]), where)
        return passed()


async def _layer(scene: Scene, scratch: Path) -> Layer:
    folder = scratch / "root"
    output = f"{scene.job.root}/pipeline/output"
    found = await boxes.fetch(scene, output, folder, "the output")
    if not found.files:
        scene.say("the output has no files: the image gets the source")
        folder = scratch / "source"
        await boxes.fetch(scene, scene.job.base_path, folder, "the source")
    return await asyncio.to_thread(_packed, folder, scratch / "layer.tar")


def _packed(folder: Path, into: Path) -> Layer:
    digest = hashlib.sha256()
    entries = (entry for entry in trees.scan(folder) if entry.name)
    with into.open("wb") as file:
        for piece in trees.pack(entries):
            digest.update(piece)
            file.write(piece)
    return Layer(into, f"sha256:{digest.hexdigest()}")


def _archive(config: bytes, layer: Layer, where: Target) -> Iterator[bytes]:
    layers = [layer.digest]
    manifest = image_archives.manifest(config, layers, [str(name) for name in where.names])
    config_name, (layer_name,) = image_archives.names(config, layers)
    return trees.pack(
        (
            Entry(config_name, Kind.FILE, 0o644, config, len(config)),
            Entry(layer_name, Kind.FILE, 0o644, layer.file, layer.file.stat().st_size),
            Entry(image_archives.MANIFEST, Kind.FILE, 0o644, manifest, len(manifest)),
        )
    )


STEP = DockerScratchPush()
