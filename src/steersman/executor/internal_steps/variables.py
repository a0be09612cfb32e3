"""What `$NAME` in a property stands for: what the steps so far exported, else the pipeline's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from steersman.core import filled_boxes, image_changes, internal_steps, interpolation, scripts
from steersman.core.pipelines.model import Step
from steersman.executor.internal_steps.base import Scene

UNSYNCED = "disable-sync"


class Variables(NamedTuple):
    """The variables that a step's properties may refer to; those in *own* are the pipeline's."""

    values: Mapping[str, str]
    own: frozenset[str]

    def fill(self, text: str) -> str:
        return interpolation.interpolate(text, self.values)

    def fill_known(self, text: str) -> str:
        """Fill what is the pipeline's; a `$HOME` is that of whoever reads *text* next."""
        known = {name: self.values[name] for name in self.own}
        return interpolation.interpolate_known(text, known)


def unfilled(text: str) -> str:
    """Stand in for filling before anything runs: a text without variables is what it is."""
    return text


def settled(step: Step) -> dict[str, str]:
    """Return the properties that are what they are, whatever the variables."""
    return {name: text for name, text in step.properties.items() if "$" not in text}


async def read(scene: Scene, step: Step) -> Variables:
    """Ask the steps' shell for the variables that *step* refers to, unless that is unwanted."""
    job = scene.job
    known = dict(filled_boxes.values(job.public, job.hidden).all)
    own = frozenset(known)
    names = internal_steps.names(step.properties)
    if names and not image_changes.boolean(step.properties, UNSYNCED):
        said = await scene.prepared.session.ask(scripts.tell_variables(names))
        known |= scripts.told_variables(names, said)
    return Variables(known, own)
