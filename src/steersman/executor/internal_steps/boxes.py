"""Files of the box, brought here for a step that works with them."""

from __future__ import annotations

from pathlib import Path

from steersman.core.errors import UserError
from steersman.core.events import Level
from steersman.executor.internal_steps.base import Scene
from steersman.trees import Collected, TooLarge

MIB = 1024 * 1024


async def fetch(scene: Scene, path: str, into: Path, what: str) -> Collected:
    """Bring the folder *path* of the box to *into*; one that is missing is the user's mistake."""
    limits = scene.job.settings.output_limits
    try:
        found = await scene.prepared.box.fetch(path, into, limits)
    except TooLarge:
        raise UserError(
            f"{what} is larger than {limits.size // MIB} MiB", hint=f"put less into {path}"
        ) from None
    if found.missing:
        raise UserError(f"there is no folder {path} in the box")
    for name in found.skipped:
        scene.notice(Level.WARNING, f"left out of {what}: {name}")
    return found
