"""Which secrets a job gets: those of its pipeline, branch and event, and none from a fork."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from steersman.core import patterns
from steersman.core.triggers import Kind

_WILD = frozenset("*?")
Rank: TypeAlias = tuple[int, int]


class Secret(NamedTuple):
    """Where the secret *name* goes; its value is elsewhere, found by *id*.

    No patterns at all mean every pipeline, branch or event. *protected*: nobody is shown the value
    again, and logs are masked; it has no say in where the secret goes.
    """

    name: str
    pipelines: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    protected: bool = True
    id: str = ""


def delivered(
    secrets: Iterable[Secret], *, pipeline: str, branch: str, event: str, fork: bool
) -> tuple[Secret, ...]:
    """Return the secrets that a job gets, in the order of their names, each name once.

    Of two with one name the more specific wins: by the pipeline first, then the branch, then the
    event; an exact name goes before a pattern, a longer pattern before a shorter, any before none.
    Of equals it is the last.
    """
    if fork:
        return ()
    best: dict[str, tuple[tuple[Rank, ...], Secret]] = {}
    for secret in secrets:
        if not _fits(secret, pipeline, branch, event):
            continue
        rank = _rank(secret, pipeline, branch, event)
        if secret.name not in best or rank >= best[secret.name][0]:
            best[secret.name] = (rank, secret)
    return tuple(best[name][1] for name in sorted(best))


def _fits(secret: Secret, pipeline: str, branch: str, event: str) -> bool:
    if not (patterns.allows(secret.pipelines, pipeline) and patterns.allows(secret.events, event)):
        return False
    if not secret.branches:
        return True
    # The branch of a pull request is its target, but its code is not what is on that branch: a
    # secret of a branch goes there only when somebody wrote so.
    if event == Kind.PULL_REQUEST and not _including(secret.events, event):
        return False
    # A tag is on no branch, so "all but these" does not mean it.
    return bool(branch) and patterns.allows(secret.branches, branch)


def _rank(secret: Secret, pipeline: str, branch: str, event: str) -> tuple[Rank, ...]:
    limits = ((secret.pipelines, pipeline), (secret.branches, branch), (secret.events, event))
    return tuple(_specificity(wanted, text) for wanted, text in limits)


def _specificity(wanted: Sequence[str], text: str) -> Rank:
    """Say how closely *wanted* describes *text*; more is closer."""
    if not wanted:
        return 0, 0
    literal = [sum(char not in _WILD for char in each) for each in _including(wanted, text)]
    if text in wanted:
        return 3, 0
    return (2, max(literal)) if literal else (1, 0)


def _including(wanted: Sequence[str], text: str) -> list[str]:
    return [each for each in wanted if not each.startswith("!") and patterns.matches(each, text)]
