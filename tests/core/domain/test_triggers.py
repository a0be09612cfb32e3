"""What a push runs, and why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.core import patterns, triggers
from steersman.core.pipelines.model import Config, Pipeline, Workflow, WorkflowPipeline
from steersman.core.problems import Place
from steersman.core.triggers import Choice, Declined, Kind, Trigger

PLACE = Place("wercker.yml", 1, 1)
PUSH = Trigger(Kind.PUSH, "main", message="fix it")


def config(*workflows: Workflow, **on: dict[str, object]) -> Config:
    names = ("build", "deploy")
    made = {name: Pipeline(name, PLACE, None, reserved=on.get(name, {})) for name in names}
    return Config("wercker.yml", pipelines=made, workflows=workflows)


def workflow(name: str = "ci", **reserved: object) -> Workflow:
    entries = (
        WorkflowPipeline("build", "build", PLACE),
        WorkflowPipeline("prod", "deploy", PLACE, ("build",), reserved={"approve": ["alice"]}),
    )
    return Workflow(name, PLACE, entries, dict(reserved))


def on(**rules: object) -> Workflow:
    return workflow(on=rules)


def names(choice: Choice) -> list[str]:
    return [each.name for each in choice.chosen]


def test_without_workflows_a_push_runs_build() -> None:
    choice = triggers.choose(config(), PUSH)
    assert names(choice) == ["build"]
    assert choice.chosen[0].workflow is None
    assert [job.name for job in choice.chosen[0].jobs] == ["build"]


def test_every_workflow_that_matches_runs_and_the_others_say_why_not() -> None:
    choice = triggers.choose(
        config(workflow("a"), workflow("b", on={"branches": ["dev"]}), workflow("c")), PUSH
    )
    assert names(choice) == ["a", "c"]
    assert choice.declined == (Declined("b", "not for the branch main"),)


def test_the_jobs_of_a_workflow_follow_the_file() -> None:
    build, prod = triggers.choose(config(workflow()), PUSH).chosen[0].jobs
    assert (build.needs, build.approve) == ((), False)
    assert (prod.name, prod.pipeline, prod.needs) == ("prod", "deploy", ("build",))
    assert (prod.approve, prod.approvers) == (True, ("alice",))
    assert build.policy.repeat_errors
    assert not prod.policy.repeat_errors


def test_an_approval_of_the_workflow_is_that_of_its_first_pipelines() -> None:
    build, prod = triggers.choose(config(workflow(approve=True)), PUSH).chosen[0].jobs
    assert (build.approve, build.approvers) == (True, ())
    assert prod.approvers == ("alice",)


def test_priority_and_concurrency_are_read() -> None:
    asked = workflow(priority=7, concurrency={"group": "prod", "cancel-in-progress": True})
    chosen = triggers.choose(config(asked), PUSH).chosen[0]
    assert (chosen.priority, chosen.group, chosen.cancel_in_progress) == (7, "prod", True)


@pytest.mark.parametrize("mark", ["[skip ci]", "[ci skip]", "[Skip CI]", "x [no ci] y"])
@pytest.mark.parametrize("kind", [Kind.PUSH, Kind.TAG, Kind.PULL_REQUEST])
def test_a_mark_in_the_message_stops_what_a_forge_sent(mark: str, kind: Kind) -> None:
    choice = triggers.choose(config(), Trigger(kind, "main", "v1", message=f"doc\n\n{mark}"))
    assert choice.chosen == ()
    assert "message says [" in choice.declined[0].why
    by_hand = Trigger(Kind.MANUAL, "main", message=mark)
    assert names(triggers.choose(config(), by_hand)) == ["build"]


PR = Trigger(Kind.PULL_REQUEST, "main")
FORK = PR._replace(fork=True)
TAG = Trigger(Kind.TAG, tag="v1.2")


@pytest.mark.parametrize(
    ("rules", "trigger", "why"),
    [
        ({"branches": ["main"]}, PUSH, ""),
        ({"branches": ["release/*"]}, PUSH, "not for the branch main"),
        ({"branches": ["!main"]}, PUSH, "not for the branch main"),
        ({"tags": ["v*"]}, TAG, ""),
        ({"tags": ["x*"]}, TAG, "not for the tag v1.2"),
        ({"branches": ["main"]}, TAG, "it does not run on tag"),
        ({"tags": ["v*"]}, PUSH, "it does not run on push"),
        ({"tags": ["v*"], "branches": ["main"]}, PUSH, ""),
        ({"events": ["tag"]}, TAG, ""),
        ({"events": ["tag"]}, PUSH, "it does not run on push"),
        ({"events": ["push", "pull-request"]}, PR, ""),
        ({"branches": ["main"]}, FORK, ""),
        ({"branches": ["dev"]}, FORK, "not for the branch main"),
        ({"paths": ["src/**"]}, PUSH._replace(paths=("src/a/b.py", "x")), ""),
        ({"paths": ["src/**"]}, PUSH._replace(paths=("docs/a",)), "nothing changed in its paths"),
        ({"paths": ["!docs/"]}, PUSH._replace(paths=("docs/a",)), "nothing changed in its paths"),
        ({"paths": ["!docs/"]}, PUSH._replace(paths=("docs/a", "b")), ""),
        ({"paths": ["src/**"]}, PUSH._replace(paths=()), "nothing changed in its paths"),
        ({"paths": ["src/**"]}, PUSH, ""),
        ({"paths": ["src/**"]}, Trigger(Kind.MANUAL, "main", paths=("docs/a",)), ""),
        ({"events": ["schedule"]}, Trigger(Kind.SCHEDULE, "main"), ""),
        ({}, Trigger(Kind.API, "main"), ""),
    ],
)
def test_on_decides(rules: dict[str, object], trigger: Trigger, why: str) -> None:
    assert triggers.unwanted({"on": rules}, trigger) == why
    choice = triggers.choose(config(on(**rules)), trigger)
    assert ("ci" in names(choice)) is (why == "")


def test_a_workflow_for_something_else_does_not_take_the_place_of_build() -> None:
    choice = triggers.choose(config(on(events=["schedule"])), PUSH)
    assert names(choice) == ["build"]
    assert choice.declined == (Declined("ci", "it does not run on push"),)
    assert names(triggers.choose(config(on(branches=["dev"])), PUSH)) == []


def test_a_request_from_the_project_itself_ran_with_its_push() -> None:
    assert names(triggers.choose(config(workflow()), PR)) == []
    assert names(triggers.choose(config(workflow()), FORK)) == ["ci"]
    assert names(triggers.choose(config(), PR)) == []
    asked = triggers.choose(config(on(events=["pull-request"])), PR)
    assert names(asked) == ["ci"]


def test_a_pipelines_own_on_leaves_out_its_job() -> None:
    limited = config(workflow(), deploy={"on": {"branches": ["prod"]}})
    jobs = triggers.choose(limited, PUSH).chosen[0].jobs
    assert [job.unwanted for job in jobs] == ["", "not for the branch main"]
    by_name = triggers.choose(limited, PUSH._replace(target="ci")).chosen[0].jobs
    assert [job.unwanted for job in by_name] == ["", ""]


def test_what_is_named_runs_whatever_its_on() -> None:
    held = config(on(branches=["dev"]))
    for target in ("ci", "deploy"):
        manual = Trigger(Kind.MANUAL, "main", message="[skip ci]", target=target)
        assert names(triggers.choose(held, manual)) == [target]
    missing = triggers.choose(held, Trigger(Kind.API, "main", target="nope"))
    why = "wercker.yml has no workflow and no pipeline of this name"
    assert missing == Choice((), (Declined("nope", why),))


def test_no_build_and_a_deleted_branch_say_so() -> None:
    empty = Config("wercker.yml")
    assert "has no pipeline build" in triggers.choose(empty, PUSH).declined[0].why
    gone = triggers.choose(config(), PUSH._replace(deleted=True))
    assert gone.declined == (Declined("", "main was deleted"),)
    tagged = triggers.choose(config(), TAG)
    held = triggers.choose(config(build={"on": {"branches": ["dev"]}}), PUSH)
    assert tagged.declined == (Declined("build", "it does not run on tag"),)
    assert held.declined == (Declined("build", "not for the branch main"),)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("main", "main", True), ("main", "main2", False), ("ma?n", "main", True),
        ("*", "a/b", False), ("**", "a/b", True), ("release/*", "release/1", True),
        ("release/*", "release/1/x", False), ("src/**", "src/a/b", True), ("src/**", "src", False),
        ("**/x", "x", True), ("**/x", "a/b/x", True), ("**/x", "ax", False),
        ("a/**/b", "a/b", True), ("a/**/b", "a/x/y/b", True), ("a/**/b", "a/xb", False),
        ("docs/", "docs/a/b", True), ("docs/", "docs2", False), ("*.py", "a.py", True),
        ("v1.?", "v1.2", True), ("v1.?", "v1x2", False), ("a?b", "a/b", False), ("", "", True),
        ("*", "", True), ("a*", "a", True), ("[x]", "[x]", True), ("[x]", "x", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    assert patterns.matches(pattern, text) is expected


@given(st.text("ab/.[", max_size=12))
def test_a_text_without_stars_matches_itself(text: str) -> None:
    assert patterns.matches(text, text) or text.endswith("/")
    assert patterns.matches("**", text)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not patterns.matches("**a" * 300 + "b", "a" * 300)
