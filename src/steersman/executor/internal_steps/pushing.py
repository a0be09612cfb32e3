"""From an image at the engine to a registry, under all of its tags."""

from __future__ import annotations

from steersman.core import image_changes, registry_logins
from steersman.core.events import Level
from steersman.core.pipelines.model import Step
from steersman.core.registry_logins import Target
from steersman.executor import registry_logins as logging_in
from steersman.executor.internal_steps import engine
from steersman.executor.internal_steps.base import Scene
from steersman.executor.internal_steps.variables import UNSYNCED, Variables, settled, unfilled

_WHERE = ("repository", "tag", "registry")


def check(step: Step) -> None:
    """Check what *step* pushes and where to, as far as that depends on no variable."""
    found = settled(step)
    image_changes.commit(found, unfilled)
    image_changes.boolean(step.properties, UNSYNCED)
    # A variable stands for something; whether that is good is seen when it is known.
    filled = {name: found.get(name, "x" * bool(text)) for name, text in step.properties.items()}
    login = registry_logins.credentials({**filled, "username": ""}, unfilled)
    if "repository" in found:
        registry_logins.target(
            {name: found[name] for name in _WHERE if name in found}, unfilled, login
        )


def target(scene: Scene, step: Step, given: Variables) -> Target:
    """Return where *step* pushes to."""
    login = registry_logins.credentials(step.properties, given.fill)
    found = registry_logins.target(step.properties, given.fill, login)
    if found.notice:
        scene.notice(Level.WARNING, f"{step.place}: {found.notice}")
    return found


async def push(scene: Scene, step: Step, given: Variables, image: str, where: Target) -> None:
    """Tag *image* and push it; where nothing is to be pushed it is only tagged.

    A machine that runs jobs for others keeps no image of theirs.
    """
    images, tagged, settings = engine.images(scene), list[str](), scene.job.settings
    login = None
    if settings.push:
        login = await logging_in.login(registry_logins.credentials(step.properties, given.fill))
    try:
        for name in where.names:
            await images.tag(image, name)
            tagged.append(str(name))
        for name in where.names:
            if not settings.push:
                scene.say(f"tagged {name}, which is not pushed (--docker-local)")
                continue
            scene.say(f"pushing {name}")
            digest = await images.push(name, login, scene.say, as_user=not settings.shared)
            scene.say(f"pushed {name}" + (f", {digest}" if digest else ""))
    finally:
        if settings.shared:
            for text in tagged:
                await images.remove(text)
