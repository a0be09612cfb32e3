"""Checkpoints: the box as it was after a step, under a name, to begin there another time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from steersman.core.errors import UserError
from steersman.core.pipelines.model import Step
from steersman.core.references import Reference

_LONGEST = 100


def image(box: Reference, name: str) -> Reference:
    """Return the image of checkpoint *name*: that of the box with a tag of its own, `w-NAME`."""
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:_LONGEST]
    return box._replace(tag=f"w-{tag}", digest=None)


def after(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """Return what is left to run after checkpoint *name*."""
    found = [number for number, step in enumerate(steps, 1) if step.checkpoint == name]
    if found:
        return tuple(steps[found[0] :])
    names = ", ".join(step.checkpoint for step in steps if step.checkpoint)
    hint = f"it has {names}" if names else "write `checkpoint: NAME` below a step"
    raise UserError(f"the pipeline has no checkpoint {name}", hint=hint)


def committed(name: str, tag: str | None, branch: str) -> Reference:
    """Return the image for `--commit NAME`: its tag is the one in *name*, *tag*, or the branch."""
    from steersman.core import references

    wanted = references.parse(name)
    if wanted.digest:
        raise UserError(f"--commit {name}: an image that is made has no digest yet")
    fallback = re.sub(r"[^A-Za-z0-9_.-]", "_", branch).lstrip(".-")[:_LONGEST]
    return references.image(wanted.repository, wanted.tag or tag or fallback or "latest")
