"""What an attempt tells while it runs. The terminal and the server hear the same."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from steersman.core.steps import Outcome, Phase, Result


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RunStarted(NamedTuple):
    """An attempt began. *steps* are the display names that will follow, in order."""

    run_id: str
    pipeline: str
    where: str
    steps: tuple[str, ...]
    after_steps: tuple[str, ...]


class StepStarted(NamedTuple):
    """A step began. *number* counts all steps of the attempt from 1."""

    number: int
    name: str
    phase: Phase


class Output(NamedTuple):
    """Bytes a step printed, with secrets already masked."""

    data: bytes


class StepEnded(NamedTuple):
    """A step ended, whatever the way."""

    number: int
    result: Result


class Notice(NamedTuple):
    """Something worth saying that is not a step's output. *text* may have several lines."""

    level: Level
    text: str


class RunEnded(NamedTuple):
    """The attempt is over and everything it made is gone. *failed_after_steps* are names."""

    outcome: Outcome
    seconds: float
    failed_after_steps: tuple[str, ...] = ()


Event = RunStarted | StepStarted | Output | StepEnded | Notice | RunEnded
Audience = Callable[[Event], None]
