"""Reading workflows, and checking that they are graphs that can run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steersman.core.nodes import Node, Scalar, Sequence, describe
from steersman.core.pipelines import fields, reserved, shapes
from steersman.core.pipelines.findings import Findings, did_you_mean, shown
from steersman.core.pipelines.model import Workflow, WorkflowPipeline

_RESERVED = {"on", "approve", "retries", "allow-failure"}
_PIPELINE_RESERVED = tuple(f for f in fields.WORKFLOW_PIPELINE if f.name in _RESERVED)


def read_workflows(
    node: Node, pipelines: Iterable[str], findings: Findings
) -> tuple[Workflow, ...]:
    """Read the list of workflows; *pipelines* are the names that exist in the file."""
    if type(node) is not Sequence:
        hint = "write `- name: NAME` and `pipelines:` below"
        findings.error("wrong-type", node, f"workflows must be a list, not {describe(node)}", hint)
        return ()
    known = tuple(pipelines)
    found: list[Workflow] = []
    first: dict[str, Workflow] = {}
    for item in node.items:
        workflow = _workflow(item, known, findings)
        if workflow is None:
            continue
        if (earlier := first.get(workflow.name)) is not None:
            message = f"two workflows are named {shown(workflow.name)}"
            hint = f"the first one is in line {earlier.place.line}"
            findings.error("duplicate-workflow", item, message, hint)
        first[workflow.name] = workflow
        found.append(workflow)
    return tuple(found)


def _workflow(node: Node, known: tuple[str, ...], findings: Findings) -> Workflow | None:
    found = shapes.members(node, fields.WORKFLOW, "a workflow", findings)
    if not found:
        return None
    name = _text(found, "name", "the name of a workflow", findings) or ""
    what = f"workflow {name}" if name else "a workflow"
    entries: list[tuple[WorkflowPipeline, dict[str, tuple[Scalar, Node]]]] = []
    if "pipelines" in found:
        entries = _entries(found["pipelines"][1], what, findings)
        _check(entries, found["pipelines"][0], what, known, findings)
    return Workflow(
        name=name,
        place=findings.place(node),
        pipelines=tuple(entry for entry, _ in entries),
        reserved=reserved.read_all(found, fields.TRIGGERING, findings),
    )


def _entries(
    node: Node, what: str, findings: Findings
) -> list[tuple[WorkflowPipeline, dict[str, tuple[Scalar, Node]]]]:
    if type(node) is not Sequence:
        message = f"pipelines of {what} must be a list, not {describe(node)}"
        findings.error("wrong-type", node, message, "write `- name: NAME` for each pipeline")
        return []
    entries = []
    for item in node.items:
        inner = f"a pipeline of {what}"
        if type(item) is Scalar:
            hint = f"write `- name: {item.text or 'NAME'}`"
            message = f"{inner} must be a map, not {describe(item)}"
            findings.error("wrong-type", item, message, hint)
            continue
        found = shapes.members(item, fields.WORKFLOW_PIPELINE, inner, findings)
        if found:
            entries.append((_entry(item, found, inner, findings), found))
    return entries


def _entry(
    node: Node, found: dict[str, tuple[Scalar, Node]], what: str, findings: Findings
) -> WorkflowPipeline:
    name = _text(found, "name", f"name of {what}", findings) or ""
    requires: tuple[str, ...] = ()
    if "requires" in found:
        requires = shapes.texts(found["requires"][1], f"requires of {what}", findings)
    return WorkflowPipeline(
        name=name,
        pipeline=_text(found, "pipelineName", f"pipelineName of {what}", findings) or name,
        place=findings.place(node),
        requires=requires,
        artifact_pipeline=_text(found, "artifactPipeline", f"artifactPipeline of {what}", findings),
        env_file=_text(found, "envFile", f"envFile of {what}", findings),
        reserved=reserved.read_all(found, _PIPELINE_RESERVED, findings),
    )


def _text(
    found: dict[str, tuple[Scalar, Node]], name: str, what: str, findings: Findings
) -> str | None:
    return shapes.filled(found[name][1], what, findings) if name in found else None


def _check(
    entries: list[tuple[WorkflowPipeline, dict[str, tuple[Scalar, Node]]]],
    at: Node,
    what: str,
    known: tuple[str, ...],
    findings: Findings,
) -> None:
    if not entries:
        hint = "add `- name: PIPELINE`"
        findings.error("empty-workflow", at, f"{what} has no pipelines", hint)
        return
    names = {entry.name: entry for entry, _ in entries}
    first: dict[str, WorkflowPipeline] = {}
    for entry, found in entries:
        if entry.name and entry.name in first:
            hint = f"the first is in line {first[entry.name].place.line}; give each its own `name`"
            message = f"{what} has two pipelines named {shown(entry.name)}"
            findings.error("duplicate-pipeline", found["name"][1], message, hint)
        first.setdefault(entry.name, entry)
        _check_defined(entry, found, what, known, findings)
        _check_requires(entry, found, what, names, findings)
    _check_order(entries, at, what, names, findings)


def _check_defined(
    entry: WorkflowPipeline,
    found: dict[str, tuple[Scalar, Node]],
    what: str,
    known: tuple[str, ...],
    findings: Findings,
) -> None:
    if entry.pipeline and entry.pipeline not in known:
        at = found.get("pipelineName") or found["name"]
        hint = did_you_mean(findings.near(entry.pipeline, known), _existing(known))
        message = f"{what} runs the pipeline {shown(entry.pipeline)}, which is not in the file"
        findings.error("undefined-pipeline", at[1], message, hint)


def _check_requires(
    entry: WorkflowPipeline,
    found: dict[str, tuple[Scalar, Node]],
    what: str,
    names: dict[str, WorkflowPipeline],
    findings: Findings,
) -> None:
    seen: set[str] = set()
    for required in entry.requires:
        at = found["requires"][1]
        if required in seen:
            message = f"{entry.name} of {what} requires {shown(required)} twice"
            findings.error("duplicate-requirement", at, message, "remove one")
        elif required not in names:
            hint = did_you_mean(findings.near(required, names), _existing(names))
            message = f"{entry.name} of {what} requires {shown(required)}, which is not in it"
            findings.error("unknown-requirement", at, message, hint)
        seen.add(required)
    source = entry.artifact_pipeline
    if source and source not in entry.requires:
        message = f"artifactPipeline {shown(source)} of {entry.name} is not among its requires"
        hint = f"add {source} to `requires`: its output exists only once it has run"
        findings.error("artifact-pipeline", found["artifactPipeline"][1], message, hint)


def _existing(names: Iterable[str]) -> str:
    listed = ", ".join(list(names)[:20])
    return f"there is {listed}" if listed else "there is none"


def _check_order(
    entries: list[tuple[WorkflowPipeline, dict[str, tuple[Scalar, Node]]]],
    at: Node,
    what: str,
    names: dict[str, WorkflowPipeline],
    findings: Findings,
) -> None:
    if all(entry.requires for entry, _ in entries):
        hint = "one pipeline at least must have no `requires`"
        findings.error("no-root", at, f"{what} has no pipeline to begin with", hint)
    places = {entry.name: found.get("requires", (at, at))[1] for entry, found in entries}
    _check_roots(entries, what, findings)
    for cycle in cycles(names):
        path = " -> ".join([*cycle, cycle[0]])
        message = f"{what} goes round in a circle: {path}"
        hint = "remove one of these `requires`"
        findings.error("cycle", places[cycle[0]], message, hint)


def _check_roots(
    entries: list[tuple[WorkflowPipeline, dict[str, tuple[Scalar, Node]]]],
    what: str,
    findings: Findings,
) -> None:
    """Doubt what stands beside the graph: the original ran in order of the file what does not.

    It is meant where `requires: []` says so, or where something requires it.
    """
    required = {name for entry, _ in entries for name in entry.requires}
    for entry, found in entries[1:] if not findings.failed else ():
        if entry.name and entry.name not in required and "requires" not in found:
            message = f"{entry.name} of {what} requires nothing, so it begins at once"
            hint = f"write `requires: [{entries[0][0].name}]`, or `requires: []` if that is meant"
            findings.warn("lone-pipeline", found["name"][1], message, hint)


def cycles(names: dict[str, WorkflowPipeline]) -> Iterator[list[str]]:
    """Find circles of requirements: at least one in each knot, each pipeline in at most one."""
    done: set[str] = set()
    for start in names:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leave = stack.pop()
            if leave:
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif name in on_path:
                circle = path[path.index(name) :]
                if done.isdisjoint(circle):
                    # A requirement points backwards; people read a circle forwards.
                    yield [circle[0], *reversed(circle[1:])]
                    done.update(circle)
            elif name not in done:
                path.append(name)
                on_path.add(name)
                stack.append((name, True))
                stack.extend((one, False) for one in names[name].requires if one in names)
