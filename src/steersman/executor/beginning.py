"""The first part of an attempt, which needs no box: another process may go on from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from steersman.containers.base import Upload
from steersman.core import events
from steersman.core.errors import Interrupted, SteersmanError
from steersman.core.events import Level
from steersman.core.steps import Phase, Result, State
from steersman.executor import filling
from steersman.executor.fetching import ReadyStep, read_steps
from steersman.executor.job import Job
from steersman.executor.launching import masker

SETUP = "setup environment"
Fill = Callable[[Sequence[Upload]], None]


class Begun(NamedTuple):
    """An attempt whose steps are checked and whose box is filled. *started* is its clock's."""

    ready: tuple[tuple[ReadyStep, ...], tuple[ReadyStep, ...]]
    started: float


async def begin(job: Job, fill: Fill, tell: events.Audience, clock: Callable[[], float]) -> Begun:
    """Check the steps of *job*, and give *fill* what its box is to hold."""
    started, secrets = clock(), masker(job)
    tell(events.StepStarted(number=1, name=SETUP, phase=Phase.SETUP))

    def notice(level: Level, text: str) -> None:
        tell(events.Notice(level, secrets.text(text)))

    try:
        ready = await read_steps(job, notice)
        await asyncio.to_thread(lambda: fill(filling.uploads(job, (*ready[0], *ready[1]))))
    except SteersmanError as error:
        error.args = (secrets.text(str(error)),)
        state = State.CANCELLED if isinstance(error, Interrupted) else State.ERRORED
        result = Result(SETUP, Phase.SETUP, state, clock() - started, str(error))
        tell(events.StepEnded(number=1, result=result))
        raise
    return Begun(ready, started)
