"""Whether a job gets another attempt.

What *failed* is the user's: it is repeated as often as `retries` says. What *errored* is ours: we
repeat it at most twice and it costs the user nothing, unless repeating could do harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from steersman.core.attempts import Attempt, State
from steersman.core.pipelines.model import Pipeline, WorkflowPipeline
from steersman.core.reports import Reason

FREE = 2
"""So often we repeat what errored."""
# Trying again would only wait as long again.
_HOPELESS = frozenset({Reason.NEVER_LEASED})
# What went wrong there was not the node's doing.
_BLAMELESS = frozenset(
    {Reason.LEASE_ENDED, Reason.PREEMPTED, Reason.DELETED, Reason.UNSCHEDULABLE, Reason.INTERRUPTED}
)


class Policy(NamedTuple):
    """How often the user lets a failure be repeated, and whether we may repeat an error."""

    retries: int = 0
    repeat_errors: bool = True


def policy(pipeline: Pipeline, entry: WorkflowPipeline | None = None) -> Policy:
    """Read the policy off the file; a workflow's entry goes before its pipeline."""
    retries = pipeline.reserved.get("retries", 0)
    if entry is not None:
        retries = entry.reserved.get("retries", retries)
    return Policy(retries if isinstance(retries, int) else 0, repeat_errors=_repeatable(pipeline))


def deploys(pipeline: Pipeline) -> bool:
    """Tell whether running *pipeline* twice could do harm outside."""
    return pipeline.name.startswith("deploy") or bool(pipeline.targets)


def _repeatable(pipeline: Pipeline) -> bool:
    """`retry-on-error` decides where it stands; what deploys is not repeated without it."""
    said = pipeline.reserved.get("retry-on-error")
    return said == "always" or (said is None and not deploys(pipeline))


def suspects(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """Return the nodes on which *attempts* of one job errored: the next is better off elsewhere."""
    lost = (each for each in attempts if each.state is State.ERRORED)
    nodes = (each.node for each in lost if each.node and each.reason not in _BLAMELESS)
    return tuple(dict.fromkeys(nodes))


def again(attempts: Sequence[Attempt], policy: Policy, *, demanded: int = 0) -> bool:
    """Tell whether another attempt follows *attempts*.

    *demanded* is the number of an attempt a person asked for: it is made whatever happened before,
    and the budgets begin anew with it.
    """
    if not attempts:
        return True
    last = attempts[-1]
    if not last.state.is_final:
        return False
    if len(attempts) < demanded:
        return True
    counted = [each.state for each in attempts if each.number >= demanded]
    if last.state is State.FAILED:
        return counted.count(State.FAILED) <= policy.retries
    if last.state is State.ERRORED and last.reason not in _HOPELESS:
        return policy.repeat_errors and counted.count(State.ERRORED) <= FREE
    return False
