"""The steps of a job with their files at hand, checked before anything starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from steersman.core import builtin_steps, steps
from steersman.core.errors import UserError
from steersman.core.events import Level
from steersman.core.manifests import Manifest
from steersman.core.pipelines.model import Step, StepKind
from steersman.core.quoting import single
from steersman.executor.job import Job
from steersman.trees import Entry

Notice = Callable[[Level, str], None]


class ReadyStep(NamedTuple):
    """A step with its files at hand. *root* and *report* are its folders in the box."""

    step: Step
    manifest: Manifest | None
    entries: tuple[Entry, ...]
    root: str
    report: str

    @property
    def has_init(self) -> bool:
        return any(entry.name == "init.sh" for entry in self.entries)

    @property
    def has_run(self) -> bool:
        return any(entry.name == "run.sh" for entry in self.entries)


async def read_steps(
    job: Job, notice: Notice
) -> tuple[tuple[ReadyStep, ...], tuple[ReadyStep, ...]]:
    """Fetch every step, main and after, and check its properties, before anything starts."""
    main = [await _read_step(job, step, notice) for step in job.steps]
    after = [await _read_after_step(job, step, notice) for step in job.pipeline.after_steps]
    return tuple(main), tuple(after)


async def _read_after_step(job: Job, step: Step, notice: Notice) -> ReadyStep:
    """Let one whose service was closed fail when its turn comes: the result does not need it."""
    try:
        return await _read_step(job, step, notice)
    except UserError as error:
        if builtin_steps.gone(step.owner, step.name) is None:
            raise
        said = f"{error}; {error.hint}" if error.hint else str(error)
        code = f"printf '%s\\n' {single(said)} >&2\nexit 1\n"
        instead = step._replace(kind=StepKind.SCRIPT, properties={"code": code})
        return await _read_step(job, instead, notice)


async def _read_step(job: Job, step: Step, notice: Notice) -> ReadyStep:
    folder = steps.folder_name(step.name, job.new_id())
    root, report = f"{job.root}/pipeline/{folder}", f"{job.root}/report/{folder}"
    if step.kind is StepKind.INTERNAL:
        from steersman.executor.internal_steps import dispatch

        dispatch.check(step)
        return ReadyStep(step, None, (), root, report)
    if step.kind is StepKind.SCRIPT:
        fetched = job.step_store.fetch(step)
    else:
        fetched = await asyncio.to_thread(job.step_store.fetch, step)
    for warning in fetched.warnings:
        notice(Level.WARNING, warning)
    return ReadyStep(
        # Its variables are named after what its files call it.
        step=step._replace(name=fetched.name or step.name),
        manifest=fetched.manifest,
        entries=tuple(fetched.entries),
        root=root,
        report=report,
    )
