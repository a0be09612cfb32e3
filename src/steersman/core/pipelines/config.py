"""Reading a whole file: what stands at the top, and its pipelines."""

from __future__ import annotations

from steersman.core import scalars
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines import fields, reserved, shapes
from steersman.core.pipelines.boxes import read_box, read_services
from steersman.core.pipelines.findings import Findings, did_you_mean, shown
from steersman.core.pipelines.model import Box, Config, Pipeline, Step
from steersman.core.pipelines.steps import read_steps
from steersman.core.pipelines.workflows import read_workflows

_Found = dict[str, tuple[Scalar, Node]]

_FILE = {field.name for field in fields.FILE}
_PIPELINE = {field.name for field in fields.PIPELINE}
_BOX = {field.name for field in fields.BOX}


def build(root: Node | None, findings: Findings) -> Config | None:
    """Understand a tree; None if anything in it is an error, all of which are in *findings*."""
    if root is None or (type(root) is Scalar and scalars.is_null(root)):
        at = root or Scalar("", True, None, 1, 1)  # noqa: FBT003
        hint = "write `box: IMAGE`, and below it `build:` with its `steps:`"
        findings.error("empty-file", at, "the file is empty", hint)
        return None
    if type(root) is not Mapping:
        hint = "it begins with `box: IMAGE`, then `build:` with its `steps:`"
        message = f"the file must be a map at its top, not {describe(root)}"
        findings.error("not-a-map", root, message, hint)
        return None
    config = _config(root, findings)
    return None if findings.failed else config


def _config(root: Mapping, findings: Findings) -> Config:
    found: _Found = {}
    sections: list[tuple[Scalar, Node]] = []
    for key, value in root.items:
        if key.text in _FILE:
            found[key.text] = (key, value)
        elif not key.text.startswith("x-"):
            sections.append((key, value))
    box = _optional_box(found, findings)
    services = _services(found, findings)
    inherited = _Inherited(box, services, has_box="box" in found)
    pipelines: dict[str, Pipeline] = {}
    for key, value in sections:
        pipeline = _section(key, value, inherited, findings)
        if pipeline is not None:
            pipelines[pipeline.name] = pipeline
    if not sections:
        hint = "add `build:` with its `steps:`"
        findings.warn("no-pipelines", root, "the file has no pipeline, so nothing can run", hint)
    names = [key.text for key, _ in sections]
    workflows = found.get("workflows")
    _check_schedules(sections, workflows[1] if workflows else None, findings)
    return Config(
        file=findings.file,
        box=box,
        services=services,
        command_timeout=_timeout(found, "command-timeout", findings),
        no_response_timeout=_timeout(found, "no-response-timeout", findings),
        source_dir=_source_dir(found, findings),
        ignore_file=_text(found, "ignore-file", findings),
        pipelines=pipelines,
        workflows=read_workflows(workflows[1], names, findings) if workflows else (),
    )


def _check_schedules(
    sections: list[tuple[Scalar, Node]], workflows: Node | None, findings: Findings
) -> None:
    nodes = [node for _, node in sections]
    items = workflows.items if type(workflows) is Sequence else ()
    if any(type(node) is Mapping and _has(node, "schedules") for node in (*nodes, *items)):
        from steersman.core.pipelines import schedules

        schedules.check_names(nodes, workflows, findings)


def _has(node: Mapping, name: str) -> bool:
    return any(key.text == name for key, _ in node.items)


class _Inherited:
    """What a pipeline gets from the top of the file."""

    __slots__ = ("box", "has_box", "services")

    def __init__(self, box: Box | None, services: tuple[Box, ...], *, has_box: bool) -> None:
        self.box = box
        self.services = services
        self.has_box = has_box


def _section(
    key: Scalar, value: Node, inherited: _Inherited, findings: Findings
) -> Pipeline | None:
    """Read what any other key at the top holds: a pipeline."""
    if type(value) is Mapping:
        return _pipeline(key, value, inherited, findings)
    if type(value) is Scalar and scalars.is_null(value):
        hint = "indent its keys under it, write `{}`, or remove it"
        findings.error("empty-pipeline", key, f"pipeline {shown(key.text)} is empty", hint)
        return None
    message = f"{shown(key.text)} is no key of the file, and as a pipeline it must be a map"
    message += f", not {describe(value)}"
    findings.error("not-a-pipeline", key, message, _misplaced(key.text, value, findings))
    return None


def _misplaced(name: str, value: Node, findings: Findings) -> str:
    if name in _PIPELINE:
        return f"`{name}` belongs into a pipeline: indent it under its name, such as `build:`"
    if name in _BOX:
        return f"`{name}` belongs into a box: indent it under `box:`"
    near = findings.near(name, _FILE | _PIPELINE)
    if near:
        return f"did you mean `{near}`?"
    if type(value) is Sequence:
        return "write `steps:` between the name and the list; keys of anchors begin with `x-`"
    return "keys of anchors begin with `x-`"


def _pipeline(key: Scalar, node: Mapping, inherited: _Inherited, findings: Findings) -> Pipeline:
    found: _Found = {}
    targets: dict[str, tuple[Step, ...]] = {}
    for inner, value in node.items:
        if inner.text in _PIPELINE:
            found[inner.text] = (inner, value)
        elif not inner.text.startswith("x-"):
            _target(inner, value, targets, key.text, findings)
    return Pipeline(
        name=_name(key, findings),
        place=findings.place(key),
        box=_pipeline_box(key, found, inherited, findings),
        services=_services(found, findings) if _given(found, "services") else inherited.services,
        steps=_steps(found, "steps", findings),
        after_steps=_steps(found, "after-steps", findings),
        targets=targets,
        base_path=_base_path(found, findings),
        docker=bool(_boolean(found, "docker", findings)),
        command_timeout=_timeout(found, "command-timeout", findings),
        no_response_timeout=_timeout(found, "no-response-timeout", findings),
        reserved=reserved.read_all(found, fields.PIPELINE_RESERVED, findings),
    )


def _name(key: Scalar, findings: Findings) -> str:
    if not key.text.strip() or not key.text.isprintable():
        message = f"{shown(key.text)} cannot be the name of a pipeline"
        findings.error("bad-name", key, message, "use printable characters")
    return key.text


def _target(
    key: Scalar,
    value: Node,
    targets: dict[str, tuple[Step, ...]],
    pipeline: str,
    findings: Findings,
) -> None:
    """Read a deploy target: a list of steps under a name of the user's."""
    near = findings.near(key.text, _PIPELINE)
    if type(value) is Sequence:
        if near:
            message = f"{shown(key.text)} is read as a deploy target of {pipeline}"
            findings.warn("unknown-key", key, message, did_you_mean(near))
        targets[key.text] = read_steps(value, f"deploy target {key.text}", findings)
    elif type(value) is Scalar and scalars.is_null(value) and not near:
        message = f"deploy target {shown(key.text)} of {pipeline} has no steps"
        findings.warn("empty", key, message, "remove it, or write its steps below")
        targets[key.text] = ()
    else:
        message = f"pipeline {pipeline} has no key {shown(key.text)}"
        otherwise = "only lists of steps (deploy targets) may have names of your own"
        findings.error("unknown-key", key, message, did_you_mean(near, otherwise))


def _pipeline_box(
    key: Scalar, found: _Found, inherited: _Inherited, findings: Findings
) -> Box | None:
    if _given(found, "box"):
        return read_box(found["box"][1], "box", findings)
    if "box" in found:
        message = "box is empty, so that of the file is used"
        findings.warn("empty", found["box"][0], message, "name an image, or remove the key")
    if not inherited.has_box:
        message = f"pipeline {shown(key.text)} has no box"
        hint = "write `box: IMAGE` in the pipeline, or at the top for all pipelines"
        findings.error("no-box", key, message, hint)
    return inherited.box


def _optional_box(found: _Found, findings: Findings) -> Box | None:
    return read_box(found["box"][1], "box", findings) if "box" in found else None


def _services(found: _Found, findings: Findings) -> tuple[Box, ...]:
    return read_services(found["services"][1], findings) if _given(found, "services") else ()


def _steps(found: _Found, name: str, findings: Findings) -> tuple[Step, ...]:
    if name not in found:
        return ()
    key, value = found[name]
    if not _given(found, name):
        findings.warn("empty", key, f"{name} is empty", "write the steps below it, each with `- `")
        return ()
    return read_steps(value, name, findings)


def _given(found: _Found, name: str) -> bool:
    if name not in found:
        return False
    value = found[name][1]
    return not (type(value) is Scalar and scalars.is_null(value))


def _timeout(found: _Found, name: str, findings: Findings) -> float | None:
    return shapes.minutes(found[name][1], name, findings) if name in found else None


def _boolean(found: _Found, name: str, findings: Findings) -> bool | None:
    return shapes.boolean(found[name][1], name, findings) if name in found else None


def _text(found: _Found, name: str, findings: Findings) -> str | None:
    return shapes.filled(found[name][1], name, findings) if name in found else None


def _source_dir(found: _Found, findings: Findings) -> str | None:
    value = _text(found, "source-dir", findings)
    if value and (value.startswith("/") or ".." in value.split("/")):
        hint = "write it as seen from the top of the source"
        message = f"source-dir {shown(value)} leaves the source"
        findings.error("bad-path", found["source-dir"][1], message, hint)
    return value


def _base_path(found: _Found, findings: Findings) -> str | None:
    value = _text(found, "base-path", findings)
    if value is None:
        return None
    at = found["base-path"][1]
    path = value.removesuffix("/")
    if not value.startswith("/") or ".." in value.split("/"):
        message = f"base-path {shown(value)} must be an absolute path without `..`"
        findings.error("bad-path", at, message, "write it as seen in the box: `/go/src/app`")
    elif not path.strip("/.") or path == "/pipeline":
        message = f"base-path {shown(value)} would put the source over the box's own files"
        findings.error("bad-path", at, message, "name a folder of its own, such as `/app`")
    return path
