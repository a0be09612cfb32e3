"""What an attempt needs to know before it begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from steersman.containers.base import PullPolicy
from steersman.containers.terminals import Attend
from steersman.core.pipelines.model import Pipeline, Step
from steersman.core.references import Reference
from steersman.core.variables import Variable
from steersman.step_store import StepStore
from steersman.trees import Limits

MIB = 1024 * 1024


class Settings(NamedTuple):
    """How to run, as opposed to what. Times are seconds.

    *keep* leaves containers and network standing. *artifacts* stores the artifacts of each
    step, *keep_source* the source where the output is empty. *measure* asks the box after each step
    what it used, *isolate* gives the box a network of its own also without services. *reports* are
    patterns of JUnit files, kept below `tests` of the job's folder. *push* False only tags what
    would be pushed. A *shared* engine serves others too: no image of the job stays there, and it
    pushes nothing as the owner of the machine. *engine*: steps may have images made and pushed.
    *attended*: somebody is there to end what has no deadline. *publish* are ports of the box
    beside those of the file. *checkpoint* is where the box is
    taken up, *commit* the image it becomes in the end, with *message*.
    """

    command_timeout: float = 25 * 60.0
    no_response_timeout: float = 5 * 60.0
    service_timeout: float = 60.0
    pull: PullPolicy = PullPolicy.MISSING
    artifacts: bool = False
    keep_source: bool = False
    measure: bool = False
    attended: bool = False
    checkpoint: str = ""
    commit: Reference | None = None
    message: str = ""
    isolate: bool = False
    reports: tuple[str, ...] = ()
    direct_mount: bool = False
    expose_ports: bool = False
    enable_volumes: bool = False
    publish: tuple[str, ...] = ()
    keep: bool = False
    dns: tuple[str, ...] = ()
    memory: int | None = None
    network: str | None = None
    push: bool = True
    shared: bool = False
    engine: bool = True
    output_limits: Limits = Limits(size=5000 * MIB)
    cache_limits: Limits = Limits(size=1000 * MIB)
    report_limits: Limits = Limits(size=5000 * MIB)


class StepToPublish(NamedTuple):
    """A step in *folder*, to be published in the name of *owner*.

    *endpoint* is a registry's address or folder, *token* lets one publish there; both may be empty.
    """

    folder: Path
    owner: str
    endpoint: str
    token: str


Publish = Callable[[StepToPublish], Awaitable[str]]
"""Publishes a step, and returns what to say of it."""


class Job(NamedTuple):
    """One pipeline to run, with everything decided that can be decided beforehand.

    *steps* are those of the chosen target. *public* and *hidden* are the pipeline's variables in
    the order of export. *base_path* is where the source stands in the box, *root* what stands
    before `/pipeline` there ("" but on the host). *folder* receives the output, *cache* is the
    cache's folder; both are on this machine. *new_id* makes the unique part of a step's folder.
    *parts* are folders that
    stand in place of *source*, each below *base_path* under its name. *attend* lets whoever sits at
    our terminal into the box; None where nobody does.
    *publish* publishes steps; None where a job may not.
    """

    run_id: str
    pipeline: Pipeline
    steps: tuple[Step, ...]
    public: tuple[Variable, ...]
    hidden: Mapping[str, str]
    source: Path
    skip: Callable[[str, bool], bool]
    base_path: str
    root: str
    folder: Path
    cache: Path
    step_store: StepStore
    new_id: Callable[[], str]
    settings: Settings
    parts: tuple[tuple[str, Path], ...] = ()
    attend: Attend | None = None
    publish: Publish | None = None
