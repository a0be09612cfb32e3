"""What a box or service of the file comes to once the variables it refers to are known.

The original's rules: public and hidden variables fill `id`, `tag`, `env` and the login; what is
hidden must not be seen in the settings of a container, which anybody may look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from steersman.core import interpolation, references
from steersman.core.pipelines.model import Box, Pipeline
from steersman.core.references import Reference
from steersman.core.variables import Variable


class Login(NamedTuple):
    """Credentials for the registry an image comes from; *registry* as the file spells it."""

    username: str
    password: str
    registry: str | None = None


class Values(NamedTuple):
    """The variables of a pipeline. *all* are *public* ones and *hidden*, which go before."""

    all: Mapping[str, str]
    hidden: Mapping[str, str]

    def fill(self, text: str) -> str:
        return interpolation.interpolate(text, self.all)

    def reveals(self, text: str) -> bool:
        """Tell whether a hidden value stands in *text*."""
        return any(value and value in text for value in self.hidden.values())


def values(public: Iterable[Variable], hidden: Mapping[str, str]) -> Values:
    """Gather what texts of the file are filled from."""
    return Values({item.name: item.value for item in public} | dict(hidden), hidden)


def image(box: Box, given: Values) -> Reference:
    """Return the image of *box*; `UserError` where it is none once it is filled."""
    return references.image(given.fill(box.id), given.fill(box.tag) if box.tag else None)


def login(box: Box, given: Values) -> Login | None:
    """Return how to log in for the image of *box*."""
    if not (box.username and box.password):
        return None
    registry = given.fill(box.registry or "") or None
    return Login(given.fill(box.username), given.fill(box.password), registry)


def env(box: Box, given: Values) -> dict[str, str]:
    """Return the variables of *box*."""
    return {name: given.fill(text) for name, text in box.env.items()}


def passwords(pipeline: Pipeline, given: Values) -> list[str]:
    """Return the passwords of registries, which nobody should see either."""
    boxes = (pipeline.box, *pipeline.services)
    return [given.fill(box.password) for box in boxes if box and box.password]


def split_hidden(env: Mapping[str, str], given: Values) -> tuple[dict[str, str], dict[str, str]]:
    """Return what of *env* anybody may see, and what holds a hidden value."""
    hidden = {name: value for name, value in env.items() if given.reveals(value)}
    return {name: value for name, value in env.items() if name not in hidden}, hidden
