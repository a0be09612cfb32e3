"""Choosing what of a file runs, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from steersman.core.errors import UserError

if TYPE_CHECKING:
    from steersman.core.pipelines.model import Config, Pipeline, Step

_MOST_LISTED = 20
COMMAND_MINUTES, SILENCE_MINUTES = 25.0, 5.0


def pick(config: Config, name: str) -> Pipeline:
    """Return the pipeline *name*; `UserError` names those that exist, the nearest first."""
    pipeline = config.pipelines.get(name)
    if pipeline is not None:
        return pipeline
    from steersman.core.pipelines.findings import nearest

    names = list(config.pipelines)
    listed = ", ".join(names[:_MOST_LISTED]) + (", ..." if len(names) > _MOST_LISTED else "")
    exist = f"{config.file} has {listed}" if names else f"{config.file} has no pipeline at all"
    near = nearest(name, names)
    raise UserError(
        f"no pipeline named {name}" + (f"; did you mean {near}?" if near else ""), hint=exist
    )


def target_steps(pipeline: Pipeline, target: str | None) -> tuple[Step, ...]:
    """Return the steps of a deploy target; without one, and for an unknown one, those of `steps`.

    An unknown target is refused where the pipeline has targets at all: the original fell back in
    silence, and deployed something else.
    """
    if not target:
        return pipeline.steps
    if target in pipeline.targets:
        return pipeline.targets[target]
    if pipeline.targets:
        raise UserError(
            f"the pipeline {pipeline.name} has no deploy target {target}",
            hint=f"it has {', '.join(pipeline.targets)}",
        )
    return pipeline.steps


class Timeouts(NamedTuple):
    """How long a step may take and may say nothing, in seconds."""

    command: float
    silence: float


def timeouts(
    config: Config, pipeline: Pipeline, command: float | None = None, silence: float | None = None
) -> Timeouts:
    """Return the timeouts: what is given, in minutes, wins over the pipeline's and the file's."""
    commands = (command, pipeline.command_timeout, config.command_timeout, COMMAND_MINUTES)
    silences = (
        silence,
        pipeline.no_response_timeout,
        config.no_response_timeout,
        SILENCE_MINUTES,
    )
    return Timeouts(_first(commands) * 60, _first(silences) * 60)


def _first(values: tuple[float | None, ...]) -> float:
    return next(float(value) for value in values if value is not None)
