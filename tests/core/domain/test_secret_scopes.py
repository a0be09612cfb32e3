"""Secrets go where they were meant to, and never to a fork."""

from __future__ import annotations

from itertools import product

import pytest

from steersman.core import secret_scopes
from steersman.core.secret_scopes import Secret

ANYWHERE = Secret("TOKEN", id="anywhere")


def ids(
    *secrets: Secret,
    pipeline: str = "deploy",
    branch: str = "main",
    event: str = "push",
    fork: bool = False,
) -> list[str]:
    found = secret_scopes.delivered(
        secrets, pipeline=pipeline, branch=branch, event=event, fork=fork
    )
    return [each.id for each in found]


@pytest.mark.parametrize(
    ("pipelines", "branches", "events"),
    [
        *product(
            [(), ("deploy",), ("*",)], [(), ("main",), ("**",)], [(), ("pull-request",), ("*",)]
        )
    ],
)
def test_a_fork_gets_nothing_whatever_the_patterns_say(
    pipelines: tuple[str, ...], branches: tuple[str, ...], events: tuple[str, ...]
) -> None:
    for protected in (False, True):
        secret = Secret("A", pipelines, branches, events, protected)
        assert ids(secret, event="pull-request", fork=True) == []


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (Secret("A"), True),
        (Secret("A", pipelines=("deploy",)), True),
        (Secret("A", pipelines=("build", "dep*")), True),
        (Secret("A", pipelines=("build",)), False),
        (Secret("A", pipelines=("!deploy",)), False),
        (Secret("A", branches=("main",)), True),
        (Secret("A", branches=("release/*",)), False),
        (Secret("A", branches=("!wip/**",)), True),
        (Secret("A", events=("push", "tag")), True),
        (Secret("A", events=("schedule",)), False),
        (Secret("A", ("deploy",), ("main",), ("push",)), True),
        (Secret("A", ("deploy",), ("main",), ("tag",)), False),
        (Secret("A", ("deploy",), ("dev",), ("push",)), False),
        (Secret("A", ("build",), ("main",), ("push",)), False),
    ],
)
def test_pipeline_branch_and_event_must_all_fit(secret: Secret, expected: bool) -> None:
    assert bool(ids(secret)) is expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), False),
        (("!tag",), False),
        (("push",), False),
        (("push", "pull-request"), True),
        (("*",), True),
    ],
)
def test_a_pull_request_gets_a_branchs_secret_only_when_that_is_written(
    events: tuple[str, ...], expected: bool
) -> None:
    secret = Secret("A", branches=("main",), events=events)
    assert bool(ids(secret, event="pull-request")) is expected


def test_a_pull_request_of_ones_own_gets_secrets_of_all_branches() -> None:
    assert ids(ANYWHERE, event="pull-request") == ["anywhere"]


@pytest.mark.parametrize("branches", [("main",), ("!wip",), ("**",)])
def test_a_tag_is_on_no_branch(branches: tuple[str, ...]) -> None:
    assert ids(Secret("A", branches=branches), branch="", event="tag") == []


# Each wins over all that follow it.
RANKED = (
    Secret("TOKEN", ("deploy",), ("main",), ("push",), id="all exact"),
    Secret("TOKEN", ("deploy",), ("main",), id="pipeline and branch"),
    Secret("TOKEN", ("deploy",), ("ma*",), id="pipeline and wide branch"),
    Secret("TOKEN", ("deploy",), (), ("push",), id="pipeline and event"),
    Secret("TOKEN", ("deploy",), id="pipeline"),
    Secret("TOKEN", ("deplo*",), ("main",), ("push",), id="long pattern"),
    Secret("TOKEN", ("d*", "*"), ("main",), ("push",), id="short pattern"),
    Secret("TOKEN", ("!build",), id="all but"),
    Secret("TOKEN", (), ("main",), id="branch"),
    Secret("TOKEN", (), (), ("push",), id="event"),
    ANYWHERE,
)


@pytest.mark.parametrize(
    ("better", "worse"),
    [(better, worse) for at, better in enumerate(RANKED) for worse in RANKED[at + 1 :]],
)
def test_of_one_name_the_most_specific_wins(better: Secret, worse: Secret) -> None:
    assert ids(better, worse) == ids(worse, better) == [better.id]


def test_what_does_not_fit_takes_nobodys_place() -> None:
    assert ids(Secret("TOKEN", ("build",), id="other"), ANYWHERE) == ["anywhere"]


def test_of_equals_the_last_wins() -> None:
    assert ids(ANYWHERE, ANYWHERE._replace(id="again")) == ["again"]


def test_they_come_in_the_order_of_their_names() -> None:
    assert ids(Secret("B", id="b"), Secret("C", id="c"), Secret("A", id="a")) == ["a", "b", "c"]
