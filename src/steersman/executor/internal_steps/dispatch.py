"""Finds internal steps by their ids, checks them before anything starts, and runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from steersman.containers.base import Capability, Containers
from steersman.core.errors import Refused, UserError
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.steps import State, minutes_words
from steersman.executor.internal_steps.base import InternalStep, Scene, failed
from steersman.executor.job import Settings
from steersman.executor.stepping import Ended
from steersman.sessions.base import End

# The module of each holds its STEP; one that is not here yet is refused before anything starts.
MODULES: dict[str, str] = {
    "internal/docker-build": "docker_build",
    "internal/docker-kill": "docker_kill",
    "internal/docker-push": "docker_push",
    "internal/docker-run": "docker_run",
    "internal/docker-scratch-push": "docker_scratch_push",
    "internal/publish-step": "publish_step",
    "internal/shell": "shell",
    "internal/store-container": "store_container",
    "internal/watch": "watch",
}


def find(step: Step) -> InternalStep:
    """Return what carries out *step*."""
    module = MODULES.get(step.id)
    if module is None:
        raise UserError(
            f"{step.place}: the step {step.id} is not supported yet",
            hint="take it out, or run a pipeline without it (--pipeline, --deploy-target)",
        )
    found: InternalStep = import_module(f"steersman.executor.internal_steps.{module}").STEP
    return found


def check(step: Step) -> None:
    """Raise `UserError` for an internal step that can never run."""
    kind = find(step)
    try:
        kind.check(step)
    except UserError as error:
        if str(error).startswith(str(step.place)):
            raise
        message = f"{step.place}: step {step.id}: {error}"
        raise UserError(message, hint=error.hint) from error


def refuse_what_is_lacking(
    steps: Iterable[Step], containers: Containers, settings: Settings
) -> None:
    """Refuse internal steps for which this door lacks something, saying what to use instead."""
    for step in steps:
        if step.kind is not StepKind.INTERNAL:
            continue
        kind = find(step)
        if not kind.needs <= containers.capabilities:
            raise UserError(
                f"{step.place}: the step {step.id} is not possible on {containers.name}",
                hint=kind.instead,
            )
        if Capability.COMMIT in kind.needs and not settings.engine:
            raise UserError(
                f"{step.place}: the step {step.id} is not allowed here: it uses the engine of all",
                hint="use a pool whose worker was started with --docker",
            )
        if kind.attended and not settings.attended:
            raise UserError(
                f"{step.place}: {step.id} goes on until somebody ends it, and nobody is here",
                hint="keep it in a pipeline for `steer dev`",
            )


async def run(scene: Scene, step: Step, cancel: asyncio.Event | None) -> Ended:
    """Run an internal step to its end: its deadline is the pipeline's command-timeout.

    *cancel* None: an interruption does not end it.
    """
    kind = find(step)
    working = asyncio.ensure_future(kind.run(scene, step))
    try:
        if not kind.attended:
            await _until(working, scene.job.settings.command_timeout, cancel)
            if not working.done():
                return _cut_short(scene, cancel)
        return await working
    except (UserError, Refused) as error:
        return failed(f"{error} ({error.hint})" if error.hint else str(error))
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _until(
    working: asyncio.Future[Ended], seconds: float, cancel: asyncio.Event | None
) -> None:
    """Wait until *working* is done, *seconds* have passed, or somebody cancels."""
    interrupted = asyncio.ensure_future((cancel or asyncio.Event()).wait())
    both: set[asyncio.Future[Any]] = {working, interrupted}
    try:
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        interrupted.cancel()
        await asyncio.gather(interrupted, return_exceptions=True)


def _cut_short(scene: Scene, cancel: asyncio.Event | None) -> Ended:
    if cancel is not None and cancel.is_set():
        return Ended(State.CANCELLED, End.CANCELLED, "interrupted", None)
    words = minutes_words(scene.job.settings.command_timeout)
    text = f"timed out after {words} (command-timeout)"
    return Ended(State.FAILED, End.TIMED_OUT, text, None, "timed-out")
