"""What a wercker.yml says, once understood: plain values without YAML in them.

Everything here has been checked. Texts are kept as written: `$NAME` is not expanded yet, since
boxes are expanded by us and step properties by the shell in the box, each at its own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from steersman.core.problems import Place


class Box(NamedTuple):
    """The main container of a pipeline, or a service beside it.

    *auth* holds the remaining login fields (aws-*, azure-*) under their names in the file.
    *cmd* and *entrypoint* are split into words; None means "not given".
    """

    id: str
    place: Place
    name: str | None = None
    tag: str | None = None
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    ports: tuple[str, ...] = ()
    volumes: str = ""
    user: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None
    registry: str | None = None
    auth: Mapping[str, str] = MappingProxyType({})


class StepKind(StrEnum):
    SCRIPT = "script"
    INTERNAL = "internal"
    FETCHED = "fetched"


class Step(NamedTuple):
    """One step as written. *id* is the whole text; owner, name, version and url are read off it.

    *properties* are texts already converted as the original did (booleans `true`/`false`, integers
    in decimal), but with nothing lost: numbers with a point keep their source text.
    """

    id: str
    owner: str
    name: str
    version: str
    place: Place
    kind: StepKind
    display_name: str
    url: str | None = None
    cwd: str | None = None
    checkpoint: str | None = None
    properties: Mapping[str, str] = MappingProxyType({})


class Pipeline(NamedTuple):
    """A named section of the file, with what it inherits from the top level filled in.

    *targets* are the deploy targets: other lists of steps to run instead of *steps*.
    *reserved* holds our own keys (retries, resources, ...) as checked plain data.
    """

    name: str
    place: Place
    box: Box | None
    services: tuple[Box, ...] = ()
    steps: tuple[Step, ...] = ()
    after_steps: tuple[Step, ...] = ()
    targets: Mapping[str, tuple[Step, ...]] = MappingProxyType({})
    base_path: str | None = None
    docker: bool = False
    command_timeout: float | None = None
    no_response_timeout: float | None = None
    reserved: Mapping[str, object] = MappingProxyType({})


class WorkflowPipeline(NamedTuple):
    """A node of a workflow: it runs *pipeline*; *name* is how the others require it."""

    name: str
    pipeline: str
    place: Place
    requires: tuple[str, ...] = ()
    artifact_pipeline: str | None = None
    env_file: str | None = None
    reserved: Mapping[str, object] = MappingProxyType({})


class Workflow(NamedTuple):
    """A graph of pipelines, valid: no cycles, every requirement exists."""

    name: str
    place: Place
    pipelines: tuple[WorkflowPipeline, ...]
    reserved: Mapping[str, object] = MappingProxyType({})


class Config(NamedTuple):
    """A whole file. Timeouts are minutes, None where the file says nothing."""

    file: str
    box: Box | None = None
    services: tuple[Box, ...] = ()
    command_timeout: float | None = None
    no_response_timeout: float | None = None
    source_dir: str | None = None
    ignore_file: str | None = None
    pipelines: Mapping[str, Pipeline] = MappingProxyType({})
    workflows: tuple[Workflow, ...] = ()
