"""What an internal step is, and what it gets to work with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from steersman.containers.base import Capability, Containers
from steersman.core.pipelines.model import Step
from steersman.core.steps import State
from steersman.executor.fetching import Notice
from steersman.executor.job import Job
from steersman.executor.setting_up import Prepared
from steersman.executor.stepping import Ended
from steersman.sessions.base import End


class Scene(NamedTuple):
    """What stands around a step. *output* takes what it prints, and masks it.

    *cancelled* is set when somebody asks the attempt to end.
    """

    job: Job
    prepared: Prepared
    containers: Containers
    output: Callable[[bytes], None]
    notice: Notice
    cancelled: asyncio.Event

    def say(self, text: str) -> None:
        """Print a line under the step."""
        self.output(text.encode("utf-8", "surrogateescape") + b"\n")


class InternalStep(Protocol):
    """One kind of internal step.

    *needs* is what the door must be able to do, *instead* what to use where it cannot. One that is
    *attended* ends when people say so: it has no deadline, and sees to `Scene.cancelled` itself;
    any other is cancelled from outside.
    """

    needs: frozenset[Capability]
    instead: str
    attended: bool

    def check(self, step: Step) -> None:
        """Raise `UserError` for properties that are wrong whatever the variables are.

        Called before anything starts, so that what holds a `$` cannot be judged yet.
        """

    async def run(self, scene: Scene, step: Step) -> Ended:
        """Do it. `UserError` and `Refused` fail the step, anything else ends the attempt."""


def passed(message: str = "") -> Ended:
    """Return the end of a step that did what it should."""
    return Ended(State.SUCCEEDED, End.RETURNED, message, None)


def failed(message: str) -> Ended:
    """Return the end of a step that did not."""
    return Ended(State.FAILED, End.RETURNED, message, None)
