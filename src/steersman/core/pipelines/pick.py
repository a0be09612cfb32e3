"""Choosing a pipeline by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.core.errors import UserError

if TYPE_CHECKING:
    from steersman.core.pipelines.model import Config, Pipeline

_MOST_LISTED = 20


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
