"""Workflows: what is read, and every way in which a graph can be wrong."""

from __future__ import annotations

import pytest

from steersman.core.pipelines.model import Workflow
from tests.core.language.reading import codes, config, parsed

TOP = "box: busybox\nbuild: {}\ntest: {}\nlint: {}\ndeploy: {}\n"


def text_of(*nodes: str, extra: str = "") -> str:
    lines = "".join(f"      - {node}\n" for node in nodes)
    return f"{TOP}workflows:\n  - name: main\n{extra}    pipelines:\n{lines}"


def workflow(*nodes: str, extra: str = "") -> Workflow:
    (only,) = config(text_of(*nodes, extra=extra)).workflows
    return only


def test_a_chain_is_read() -> None:
    found = workflow(
        "name: build",
        "{name: ship, pipelineName: deploy, requires: [build], artifactPipeline: build, "
        "envFile: prod.env}",
    )
    first, second = found.pipelines
    assert (first.name, first.pipeline, first.requires) == ("build", "build", ())
    assert (second.name, second.pipeline, second.requires) == ("ship", "deploy", ("build",))
    assert (second.artifact_pipeline, second.env_file) == ("build", "prod.env")


def test_one_requirement_needs_no_list_unlike_before() -> None:
    found = workflow("name: build", "{name: deploy, requires: build}")
    assert found.pipelines[1].requires == ("build",)


def test_several_pipelines_may_begin_unlike_before() -> None:
    found = workflow("name: build", "name: lint", "{name: deploy, requires: [build, lint]}")
    assert [node.name for node in found.pipelines if not node.requires] == ["build", "lint"]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        (["name: build", "name: lint"], ["lone-pipeline"]),
        (["name: build", "name: lint", "{name: test, requires: [build]}"], ["lone-pipeline"]),
        (["name: build", "{name: lint, requires: []}"], []),
        (["name: build", "name: lint", "{name: test, requires: [build, lint]}"], []),
    ],
)
def test_a_pipeline_beside_the_graph_is_doubted_unless_it_is_clearly_meant(
    nodes: list[str], expected: list[str]
) -> None:
    assert codes(text_of(*nodes)) == expected


def test_a_pipeline_may_run_twice_under_two_names() -> None:
    found = workflow("name: build", "{name: again, pipelineName: build, requires: [build]}")
    assert [node.pipeline for node in found.pipelines] == ["build", "build"]


ERRORS = {
    "a name twice": (["name: build", "name: build"], ["duplicate-pipeline"]),
    "an undefined section": (["name: biuld"], ["undefined-pipeline"]),
    "an undefined pipelineName": (["{name: a, pipelineName: b}"], ["undefined-pipeline"]),
    "an unknown requirement": (
        ["name: build", "{name: deploy, requires: [tst]}"],
        ["unknown-requirement"],
    ),
    "a requirement twice": (
        ["name: build", "{name: deploy, requires: [build, build]}"],
        ["duplicate-requirement"],
    ),
    "nothing to begin with": (["{name: build, requires: [build]}"], ["no-root", "cycle"]),
    "a circle": (
        ["name: lint", "{name: build, requires: [test]}", "{name: test, requires: [build]}"],
        ["cycle"],
    ),
    "artifacts of nobody": (
        ["name: build", "{name: deploy, requires: [build], artifactPipeline: test}"],
        ["artifact-pipeline"],
    ),
    "a null item": (["~"], ["empty-workflow", "wrong-type"]),
    "a text": (["build"], ["empty-workflow", "wrong-type"]),
    "a list": (["[build]"], ["empty-workflow", "wrong-type"]),
    "no name": (["{pipelineName: build}"], ["missing-key"]),
    "an unknown field": (["{name: build, require: [test]}"], ["unknown-key"]),
    "requires as a map": (["{name: build, requires: {a: b}}"], ["wrong-type"]),
    "an empty requirement": (["{name: build, requires: ['']}"], ["empty"]),
}


@pytest.mark.parametrize(("nodes", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_a_mistake_in_a_workflow_is_named(nodes: list[str], expected: list[str]) -> None:
    assert codes(text_of(*nodes)) == expected


WORKFLOWS = {
    "no pipelines": ("- name: a", ["missing-key"]),
    "an empty list": ("- {name: a, pipelines: []}", ["empty-workflow"]),
    "no name": ("- pipelines: [{name: build}]", ["missing-key"]),
    "a null workflow": ("- ~", ["wrong-type"]),
    "a text": ("- a", ["wrong-type"]),
    "pipelines as a map": (
        "- {name: a, pipelines: {name: build}}",
        ["empty-workflow", "wrong-type"],
    ),
    "one name twice": (
        "- {name: a, pipelines: [{name: build}]}\n  - {name: a, pipelines: [{name: test}]}",
        ["duplicate-workflow"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), WORKFLOWS.values(), ids=WORKFLOWS.keys())
def test_a_mistake_in_the_list_of_workflows_is_named(text: str, expected: list[str]) -> None:
    assert sorted(codes(f"{TOP}workflows:\n  {text}\n")) == sorted(expected)


CIRCLES = {
    "two": (["a: b", "b: a"], "a -> b -> a"),
    "itself": (["a: a"], "a -> a"),
    "three": (["a: c", "b: a", "c: b"], "a -> b -> c -> a"),
    "out of reach of the root": (["r: ", "a: b", "b: a"], "a -> b -> a"),
}


@pytest.mark.parametrize(("edges", "path"), CIRCLES.values(), ids=CIRCLES.keys())
def test_a_circle_is_named_with_its_path_wherever_it_is(edges: list[str], path: str) -> None:
    nodes = [
        f"{{name: {name}, pipelineName: build, requires: [{needs}]}}"
        for name, _, needs in (edge.partition(": ") for edge in edges)
    ]
    problems = [p for p in parsed(text_of(*nodes)).problems if p.code == "cycle"]
    assert [p.message for p in problems] == [f"workflow main goes round in a circle: {path}"]


def test_a_long_chain_is_no_circle_and_needs_no_deep_stack() -> None:
    nodes = ["{name: n0, pipelineName: build}"]
    nodes += [f"{{name: n{i}, pipelineName: build, requires: [n{i - 1}]}}" for i in range(1, 3000)]
    assert len(workflow(*reversed(nodes)).pipelines) == 3000


def test_a_pipeline_that_is_wrong_itself_is_not_called_undefined() -> None:
    text = text_of("name: build").replace("build: {}", "build:")
    assert codes(text) == ["empty-pipeline"]
