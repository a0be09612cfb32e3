"""What one process of a runner leaves to the next: where it stands, in one file of their own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.core.errors import Refused
from steersman.core.manifests import Manifest, Property
from steersman.core.pipelines.model import Step
from steersman.executor.beginning import Begun
from steersman.executor.fetching import ReadyStep
from steersman.executor.job import Job
from steersman.trees import Entry, Kind

if TYPE_CHECKING:
    from steersman.wire import JobSpec, StepState


class Standing(NamedTuple):
    """How an attempt stands. *log_sent* is how much of its log the server has for certain."""

    spec: JobSpec
    begun: dict[str, Any]
    steps: list[StepState]
    log_sent: int
    has_cache: bool


def write(path: Path, standing: Standing) -> None:
    """Leave *standing*: the whole file, or none. It holds secrets."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w") as file:
        json.dump(standing._asdict(), file)
    os.replace(fresh, path)


def take(path: Path) -> Standing:
    """Take up what was left, which is then gone: it holds secrets."""
    try:
        standing = Standing(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise Refused("nothing was prepared for this runner, or another has taken it up") from None
    path.unlink()
    return standing


def told(begun: Begun) -> dict[str, Any]:
    """Return what is to be known of the steps, as plain data."""
    main, after = ([_told(step) for step in part] for part in begun.ready)
    return {"started": begun.started, "main": main, "after": after}


def _told(ready: ReadyStep) -> dict[str, Any]:
    names = [entry.name for entry in ready.entries if entry.name in ("init.sh", "run.sh")]
    return {
        "names": names,
        "manifest": ready.manifest,
        "root": ready.root,
        "report": ready.report,
    }


def heard(job: Job, said: dict[str, Any]) -> Begun:
    """Return what was told of the steps of *job*."""
    pairs = ((job.steps, said["main"]), (job.pipeline.after_steps, said["after"]))
    main, after = (tuple(map(_ready, steps, parts)) for steps, parts in pairs)
    return Begun((main, after), said["started"])


def _ready(step: Step, said: dict[str, Any]) -> ReadyStep:
    return ReadyStep(
        step=step,
        manifest=_manifest(said["manifest"]),
        entries=tuple(Entry(name, Kind.FILE, 0o755) for name in said["names"]),
        root=said["root"],
        report=said["report"],
    )


def _manifest(said: list[Any] | None) -> Manifest | None:
    if said is None:
        return None
    name, version, summary, properties = said
    return Manifest(name, version, summary, tuple(Property(*each) for each in properties))
