"""What the internal steps of a pipeline ask of it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from steersman.core import interpolation
from steersman.core.pipelines.model import Step
from steersman.core.registry_logins import SECRETS

PUSH = "internal/docker-push"
RUN = "internal/docker-run"
STORE = "internal/store-container"
INSTEAD = {
    **dict.fromkeys(
        (PUSH, "internal/docker-scratch-push", "internal/docker-build", STORE),
        "run it where Docker or Podman is; in a pod a step of your own makes and pushes the image, "
        "by skopeo and umoci or by buildah: see docs/image-builds.md",
    ),
    **dict.fromkeys(
        (RUN, "internal/docker-kill"),
        "name it among the `services` of the pipeline: those run in a pod too",
    ),
}
"""What to use where no container engine is for the steps that need one."""


def keep_box(steps: Iterable[Step]) -> bool:
    """Tell whether the box becomes an image: then nothing of ours may stand in its settings."""
    return any(
        step.id == STORE
        or (step.id == PUSH and not step.properties.get("image-name"))
        or step.checkpoint is not None
        for step in steps
    )


def need_network(steps: Iterable[Step]) -> bool:
    """Tell whether a container is started beside the box."""
    return any(step.id == RUN for step in steps)


def secrets(steps: Iterable[Step], fill: Callable[[str], str]) -> list[str]:
    """Return the values of properties that nobody should see."""
    found = (step.properties.get(name, "") for step in steps for name in SECRETS)
    return [value for text in found if text and (value := fill(text))]


def names(properties: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that *properties* refer to."""
    found = (name for text in properties.values() for name in interpolation.names(text))
    return tuple(dict.fromkeys(name for name in found if name.isascii() and name.isidentifier()))
