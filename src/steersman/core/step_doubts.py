"""Steps of a file of which it is known before any run that nobody has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from steersman.core import builtin_steps
from steersman.core.pipelines.findings import did_you_mean, nearest
from steersman.core.pipelines.model import Config, Pipeline, Step, StepKind
from steersman.core.problems import Problem, Severity

_ELSEWHERE = 'give its address, `name "https://..."`, or put it among the steps of the project'


def doubts(config: Config, built_in: Collection[str], there: Collection[str]) -> Iterator[Problem]:
    """Return a warning for each step that can do nothing any more, and each that is unknown.

    *there* are the names of folders among the steps of the project. Of other owners' steps nothing
    is known: a registry may have them.
    """
    for pipeline in config.pipelines.values():
        for step in _steps(pipeline):
            if step.kind is StepKind.FETCHED and step.url is None and not _is_there(step, there):
                yield from _doubt(step, built_in)


def _steps(pipeline: Pipeline) -> Iterator[Step]:
    yield from pipeline.steps
    for steps in pipeline.targets.values():
        yield from steps
    yield from pipeline.after_steps


def _is_there(step: Step, there: Collection[str]) -> bool:
    name = f"{step.owner}-{step.name}"
    return name in there or f"{name}@{step.version}" in there


def _doubt(step: Step, built_in: Collection[str]) -> Iterator[Problem]:
    shown = f"{step.owner}/{step.name}"
    gone = builtin_steps.gone(step.owner, step.name)
    if gone is not None:
        message = f"the step {shown} can do nothing any more: {gone.why}"
        yield Problem(Severity.WARNING, "gone-step", step.place, message, gone.instead)
        return
    name = builtin_steps.shipped_as(step.owner, step.name)
    if step.owner == builtin_steps.OURS and name not in built_in:
        hint = did_you_mean(nearest(step.name, built_in), _ELSEWHERE)
        message = f"there is no step {shown}: it is not built in, and Wercker's registry is closed"
        yield Problem(Severity.WARNING, "unknown-step", step.place, message, hint)
