"""From what the server delivered to a job of the executor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steersman import pipeline_file
from steersman.containers.base import Containers, PullPolicy
from steersman.core import ignores, resources, variables
from steersman.core.pipelines.model import Config
from steersman.core.pipelines.pick import target_steps, timeouts
from steersman.core.quoting import refers
from steersman.core.variables import Variable, of_run
from steersman.executor import Job, Settings
from steersman.step_store import Registry, StepStore
from steersman.trees import Limits

if TYPE_CHECKING:
    from steersman.wire import JobSpec

MIB = 1024 * 1024


class Places(NamedTuple):
    """The folders of one runner. *steps* is shared by the runners of a machine.

    *fetched*, if it is not *folder*, is where source and cache are put when they come.
    """

    folder: Path
    steps: Path
    fetched: Path | None = None

    @property
    def source(self) -> Path:
        return (self.fetched or self.folder) / "source"

    @property
    def cache(self) -> Path:
        return (self.fetched or self.folder) / "cache"

    @property
    def kept(self) -> Path:
        return self.folder / "kept"


class Allowed(NamedTuple):
    """What the pool of this runner lets a pipeline do. *isolate*: boxes cannot reach each other.

    *engine*: steps may have images made and pushed, and so change what other jobs find.
    """

    volumes: bool = False
    engine: bool = False
    isolate: bool = True
    memory: int | None = None
    network: str | None = None
    pull: PullPolicy = PullPolicy.MISSING


def build(
    spec: JobSpec,
    places: Places,
    containers: Containers,
    allowed: Allowed,
    registry: Registry | None = None,
) -> Job:
    """Build the job of an attempt. Its containers go by the attempt's id."""
    told = spec.get("tree")
    config = pipeline_file.parse(spec["file"], spec["file_name"], told).checked()
    pipeline = config.pipelines[spec["pipeline"]]
    facts = variables.facts(
        spec["facts"],
        run_id=spec["run"],
        pipeline=spec["pipeline"],
        base_path=pipeline.base_path,
        root=containers.root_of(spec["attempt"]),
    )
    given = (
        Variable(each["name"], each["value"], each.get("expand", refers(each["value"])))
        for each in spec["public"]
    )
    minutes = (spec["settings"].get(name) for name in ("command_timeout", "no_response_timeout"))
    limits = timeouts(config, pipeline, *minutes)
    return Job(
        run_id=spec["attempt"],
        pipeline=pipeline,
        steps=target_steps(pipeline, facts.deploy_target),
        public=(*of_run(facts), *given),
        hidden=spec["hidden"],
        source=places.source,
        skip=_skip(config, places.source),
        base_path=facts.base_path,
        root=facts.root,
        folder=places.kept,
        cache=places.cache,
        step_store=StepStore(places.steps, base=places.source, registry=registry),
        new_id=_new_id,
        settings=Settings(
            command_timeout=limits.command,
            no_response_timeout=limits.silence,
            pull=allowed.pull,
            artifacts=True,
            keep_source=spec["keep_source"],
            measure=True,
            reports=tuple(spec["reports"]),
            enable_volumes=allowed.volumes,
            memory=resources.bounded(resources.of(pipeline.reserved).memory, allowed.memory),
            network=allowed.network,
            isolate=allowed.isolate,
            shared=True,
            engine=allowed.engine,
            output_limits=Limits(size=spec["settings"]["artifact_limit"]),
            cache_limits=Limits(size=spec["settings"]["cache_limit"]),
        ),
    )


def _new_id() -> str:
    """Make an id of a step, in the form the original's had; `uuid` costs a start 4 ms."""
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _skip(config: Config, source: Path) -> Callable[[str, bool], bool]:
    """Return which names of the source are not copied into the box."""
    path = source / (config.ignore_file or ".werckerignore")
    if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(source.resolve()):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        return ignores.parse(text).skips
    return ignores.Rules().skips
