"""What a trigger runs, what not, and why not: everything that does not run says a reason."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from steersman.core import patterns, retries
from steersman.core.pipelines.model import Config, Pipeline, Workflow, WorkflowPipeline
from steersman.core.runs import Job

DEFAULT_PIPELINE = "build"
MARKS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip steer]")


class Kind(StrEnum):
    """Kinds of triggers, as in `on: events:`."""

    PUSH = "push"
    TAG = "tag"
    PULL_REQUEST = "pull-request"
    MANUAL = "manual"
    SCHEDULE = "schedule"
    API = "api"


# People and schedules mean what they start: only what comes from a forge is filtered by marks.
_MARKED = frozenset({Kind.PUSH, Kind.TAG, Kind.PULL_REQUEST})
_BY_HAND = frozenset({Kind.MANUAL, Kind.API, Kind.SCHEDULE})


class Trigger(NamedTuple):
    """Why something may run. *branch* is that of a pull request's target.

    *paths* are the changed files, None when nobody knows. *target* names one workflow or pipeline
    and lets it run whatever its `on` says. *fork*: a pull request from elsewhere, not trusted.
    """

    kind: Kind
    branch: str = ""
    tag: str = ""
    message: str = ""
    paths: tuple[str, ...] | None = None
    target: str = ""
    fork: bool = False
    deleted: bool = False


class Chosen(NamedTuple):
    """A run to be made. *workflow* is None when it is a single pipeline."""

    name: str
    workflow: Workflow | None
    jobs: tuple[Job, ...]
    priority: int = 0
    group: str = ""
    cancel_in_progress: bool = False


class Declined(NamedTuple):
    """A workflow or pipeline that does not run; an empty *name* stands for all."""

    name: str
    why: str


class Choice(NamedTuple):
    """Both, in the order of the file."""

    chosen: tuple[Chosen, ...]
    declined: tuple[Declined, ...] = ()


def choose(config: Config, trigger: Trigger) -> Choice:
    """Say what of *config* runs for *trigger*."""
    if trigger.deleted:
        return _nothing(f"{trigger.tag or trigger.branch} was deleted")
    if trigger.target:
        return _target(config, trigger)
    if trigger.kind in _MARKED and (mark := skip_mark(trigger.message)):
        return _nothing(f"the commit's message says {mark}")
    listening = [
        each
        for each in config.workflows
        if _listens(each.reserved, trigger) and not _repeats(each.reserved, trigger)
    ]
    # A workflow that is only for other kinds of triggers does not take the place of `build`.
    if not listening:
        return _default(config, trigger)
    whys = {each.name: _why_not(each.reserved, trigger) for each in config.workflows}
    return Choice(
        tuple(_workflow(config, each, trigger) for each in listening if not whys[each.name]),
        tuple(Declined(name, why) for name, why in whys.items() if why),
    )


def skip_mark(message: str) -> str:
    """Return the mark in a commit's *message* that asks for nothing to run; empty without one."""
    lowered = message.lower()
    return next((mark for mark in MARKS if mark in lowered), "")


def unwanted(reserved: Mapping[str, object], trigger: Trigger) -> str:
    """Say why the `on` in *reserved* does not let *trigger* through; empty when it does."""
    on = _map(reserved, "on")
    if not _listens(reserved, trigger):
        return f"it does not run on {trigger.kind}"
    if trigger.kind is Kind.TAG:
        tags = _texts(on, "tags")
        return "" if patterns.allows(tags, trigger.tag) else f"not for the tag {trigger.tag}"
    branches = _texts(on, "branches")
    if branches and not patterns.allows(branches, trigger.branch):
        return f"not for the branch {trigger.branch}"
    wanted = _texts(on, "paths")
    # Nothing is known of what changed: running too much is better than missing it.
    if not wanted or trigger.paths is None or trigger.kind in _BY_HAND:
        return ""
    if any(patterns.allows(wanted, path) for path in trigger.paths):
        return ""
    return "nothing changed in its paths"


def _listens(reserved: Mapping[str, object], trigger: Trigger) -> bool:
    """Tell whether `on` is for this kind of trigger at all."""
    on = _map(reserved, "on")
    if "events" in on:
        return trigger.kind in _texts(on, "events")
    if trigger.kind is Kind.TAG:
        return "tags" in on
    if trigger.kind in (Kind.PUSH, Kind.PULL_REQUEST):
        return "tags" not in on or "branches" in on or "paths" in on
    return True


def _repeats(reserved: Mapping[str, object], trigger: Trigger) -> bool:
    """Tell whether a pull request only repeats the push to a branch of the project itself."""
    own = trigger.kind is Kind.PULL_REQUEST and not trigger.fork
    return own and "events" not in _map(reserved, "on")


def _why_not(reserved: Mapping[str, object], trigger: Trigger) -> str:
    if _repeats(reserved, trigger):
        return "it runs when the branch is pushed; name pull-request in `on` to run it here too"
    return unwanted(reserved, trigger)


def _target(config: Config, trigger: Trigger) -> Choice:
    for workflow in config.workflows:
        if workflow.name == trigger.target:
            return Choice((_workflow(config, workflow, trigger),))
    pipeline = config.pipelines.get(trigger.target)
    if pipeline is not None:
        return Choice((_single(pipeline, trigger),))
    why = f"{config.file} has no workflow and no pipeline of this name"
    return Choice((), (Declined(trigger.target, why),))


def _default(config: Config, trigger: Trigger) -> Choice:
    declined = tuple(
        Declined(each.name, _why_not(each.reserved, trigger)) for each in config.workflows
    )
    pipeline = config.pipelines.get(DEFAULT_PIPELINE)
    if pipeline is None:
        why = f"{config.file} has no pipeline {DEFAULT_PIPELINE} and no workflow for this"
        return Choice((), (*declined, Declined("", why)))
    if why := _why_not(pipeline.reserved, trigger):
        return Choice((), (*declined, Declined(pipeline.name, why)))
    return Choice((_single(pipeline, trigger),), declined)


def _nothing(why: str) -> Choice:
    return Choice((), (Declined("", why),))


def _workflow(config: Config, workflow: Workflow, trigger: Trigger) -> Chosen:
    jobs = [_job(config.pipelines[each.pipeline], each, trigger) for each in workflow.pipelines]
    if workflow.reserved.get("approve"):
        approvers = _approvers(workflow.reserved)
        jobs = [
            job if job.needs or job.approve else job._replace(approve=True, approvers=approvers)
            for job in jobs
        ]
    return _chosen(workflow.name, workflow, tuple(jobs), workflow.reserved)


def _single(pipeline: Pipeline, trigger: Trigger) -> Chosen:
    job = _job(pipeline, None, trigger)._replace(unwanted="")
    return _chosen(pipeline.name, None, (job,), pipeline.reserved)


def _chosen(
    name: str, workflow: Workflow | None, jobs: tuple[Job, ...], reserved: Mapping[str, object]
) -> Chosen:
    group = _map(reserved, "concurrency")
    priority = reserved.get("priority", 0)
    return Chosen(
        name=name,
        workflow=workflow,
        jobs=jobs,
        priority=priority if isinstance(priority, int) else 0,
        group=str(group.get("group") or ""),
        cancel_in_progress=group.get("cancel-in-progress") is True,
    )


def _job(pipeline: Pipeline, entry: WorkflowPipeline | None, trigger: Trigger) -> Job:
    """Make the job of *pipeline*; what a workflow's entry says goes before the pipeline's word."""
    reserved = {**pipeline.reserved, **(entry.reserved if entry else {})}
    return Job(
        name=entry.name if entry else pipeline.name,
        pipeline=pipeline.name,
        needs=entry.requires if entry else (),
        policy=retries.policy(pipeline, entry),
        allow_failure=reserved.get("allow-failure") is True,
        approve=bool(reserved.get("approve")),
        approvers=_approvers(reserved),
        unwanted=unwanted(reserved, trigger) if "on" in reserved and not trigger.target else "",
    )


def _approvers(reserved: Mapping[str, object]) -> tuple[str, ...]:
    return _texts(reserved, "approve")


def _map(reserved: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = reserved.get(key)
    return value if isinstance(value, Mapping) else {}


def _texts(found: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = found.get(key)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
