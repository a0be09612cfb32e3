"""Reading lists of steps in each of their shapes.

`- id`, `- id: {property: value}`, and the flattened one, where the properties stand at the depth
of the id itself: then the first key is the id and the others are its properties.
"""

from __future__ import annotations

from steersman.core import scalars, words
from steersman.core.nodes import Mapping, Node, Pair, Scalar, Sequence, describe
from steersman.core.pipelines import step_ids
from steersman.core.pipelines.fields import INTERNAL, NAMED_CONTAINERS, InternalStep
from steersman.core.pipelines.findings import Findings, did_you_mean, shown
from steersman.core.pipelines.model import Step, StepKind

_SCRIPT = "script"
_INTERNAL = "internal/"
# Keys that cannot be an id: somebody forgot the line with the id, or put it second.
_NEVER_IDS = frozenset({"name", "cwd", "checkpoint", "code"})


def read_steps(node: Node, what: str, findings: Findings) -> tuple[Step, ...]:
    """Read a list of steps; those that are wrong are reported and left out."""
    if type(node) is not Sequence:
        hint = "start each step with `- `"
        findings.error(
            "wrong-type", node, f"{what} must be a list of steps, not {describe(node)}", hint
        )
        return ()
    found = [read_step(item, findings) for item in node.items]
    return tuple(step for step in found if step is not None)


def read_step(node: Node, findings: Findings) -> Step | None:
    """Read one step of any shape."""
    if type(node) is Scalar:
        return _bare(node, findings)
    if type(node) is Sequence:
        hint = "write the step after one `- ` only"
        findings.error("wrong-type", node, "a step must be an id or a map, not a list", hint)
        return None
    parts = _parts(node, findings)  # type: ignore[arg-type]
    if parts is None:
        return None
    key, properties = parts
    return _step(key, key.text, properties, findings)


def _bare(node: Scalar, findings: Findings) -> Step | None:
    if scalars.is_null(node) or not node.text.strip():
        hint = "name a step after the `-`, or remove the line"
        findings.error("empty-step", node, "this step is empty", hint)
        return None
    return _step(node, node.text, (), findings)


def _parts(node: Mapping, findings: Findings) -> tuple[Scalar, tuple[Pair, ...]] | None:
    """Take a step's map apart into its id and its properties."""
    items = node.items
    if len(items) > 1:
        items = tuple(pair for pair in items if not pair[0].text.startswith("x-"))
    if not items:
        hint = "name a step after the `-`, or remove the line"
        findings.error("empty-step", node, "this step is empty", hint)
        return None
    if len(items) == 1:
        key, value = items[0]
        return _nested(key, value, findings)
    return _flattened(node, items, findings)


def _nested(key: Scalar, value: Node, findings: Findings) -> tuple[Scalar, tuple[Pair, ...]] | None:
    if type(value) is Mapping:
        return key, tuple(pair for pair in value.items if not pair[0].text.startswith("x-"))
    if key.text.partition("@")[0].rpartition("/")[2] == _SCRIPT:
        _no_code(key, findings, value)
    elif type(value) is Scalar and scalars.is_null(value):
        hint = f"write `- {key.text}` without the colon, or indent its properties under it"
        findings.error(
            "empty-step", key, f"step {shown(key.text)} has a colon but no properties", hint
        )
    else:
        message = f"the properties of step {shown(key.text)} must be a map, not {describe(value)}"
        hint = f"write `- {key.text}:` and its properties below, deeper, as `name: value`"
        findings.error("wrong-type", value, message, hint)
    return None


def _flattened(
    node: Mapping, items: tuple[Pair, ...], findings: Findings
) -> tuple[Scalar, tuple[Pair, ...]] | None:
    at = next((n for n, (key, _) in enumerate(items) if key.text not in _NEVER_IDS), None)
    if at is None or any(_is_own(key, node) for key, _ in items[:at]):
        hint = "write `- script:` first, and this below it"
        message = f"a step must begin with its id, not with its {items[0][0].text}"
        findings.error("no-step-id", items[0][0], message, hint)
        return None
    key, value = items[at]
    if not (type(value) is Scalar and scalars.is_null(value)):
        message = (
            f"step {shown(key.text)} has a value and properties beside it, so one would be lost"
        )
        hint = f"indent all properties of {key.text} under it, at one depth"
        findings.error("mixed-step", value, message, hint)
        return None
    return key, (*items[:at], *items[at + 1 :])


def _is_own(key: Scalar, node: Mapping) -> bool:
    """Say whether a key was written in this map; what `<<` brings stands before it in the file."""
    return (key.line, key.column) >= (node.line, node.column)


def _step(at: Scalar, text: str, pairs: tuple[Pair, ...], findings: Findings) -> Step | None:
    """Make a step of its id and its properties."""
    internal = INTERNAL.get(text)
    if internal is None and text.startswith(_INTERNAL):
        near = findings.near(text, INTERNAL)
        hint = did_you_mean(near, f"there are {', '.join(INTERNAL)}")
        findings.error("unknown-step", at, f"there is no step {shown(text)}", hint)
        return None
    try:
        parsed = step_ids.parse(text)
    except step_ids.InvalidId as error:
        message, hint = error.args
        findings.error("bad-step-id", at, message, hint)
        return None
    properties = _properties(pairs, internal, findings)
    if internal is not None:
        _check_internal(at, text, internal, pairs, properties, findings)
    return _made(at, text, parsed, internal, properties, findings)


def _made(
    at: Scalar,
    text: str,
    parsed: step_ids.StepId,
    internal: InternalStep | None,
    properties: dict[str, str],
    findings: Findings,
) -> Step:
    shown_as = internal.title if internal else parsed.name
    if text not in NAMED_CONTAINERS:
        shown_as = properties.pop("name", "") or shown_as
    kind = StepKind.FETCHED
    if internal is not None:
        kind = StepKind.INTERNAL
    elif parsed.name == _SCRIPT:
        kind = StepKind.SCRIPT
        if not properties.get("code", "").strip():
            _no_code(at, findings)
    return Step(
        id=text,
        owner=parsed.owner,
        name=parsed.name,
        version=parsed.version,
        url=parsed.url,
        place=findings.place(at),
        kind=kind,
        display_name=shown_as,
        cwd=properties.pop("cwd", "") or None,
        checkpoint=properties.pop("checkpoint", "") or None,
        properties=properties,
    )


def _no_code(at: Node, findings: Findings, value: Node | None = None) -> None:
    code = "npm test"
    if type(value) is Scalar and value.text.isprintable() and 0 < len(value.text) < 60:
        code = value.text
    hint = f"write `code: {code}` below it, or `code: |` and the lines below that"
    findings.error("no-code", at, "step script has no code", hint)


def _properties(
    pairs: tuple[Pair, ...], internal: InternalStep | None, findings: Findings
) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        name = key.text
        if not _is_property_name(name):
            hint = "use letters, digits, '-' and '_'"
            message = f"property {shown(name)} cannot become the name of a variable"
            findings.error("bad-property", key, message, hint)
        text = _property(key, value, internal, findings)
        if text is not None:
            found[name] = text
    if len({_variable(name) for name in found}) < len(found):
        _check_twins(pairs, findings)
    return found


def _property(
    key: Scalar, value: Node, internal: InternalStep | None, findings: Findings
) -> str | None:
    """Read a property; the items of a list are joined, as lines for `code`, else by blanks."""
    if type(value) is Scalar:
        return scalars.typed_text(value)
    if type(value) is Sequence and all(type(item) is Scalar for item in value.items):
        items = [scalars.typed_text(item) for item in value.items]  # type: ignore[arg-type]
        if key.text == "code":
            return "\n".join(items)
        if internal is not None and key.text in internal.words:
            return words.join(items)
        return " ".join(items)
    hint = "a property is a text, a number, `true` or `false`, or a list of those"
    what = "a list of lists or maps" if type(value) is Sequence else "a map"
    findings.error("wrong-type", value, f"property {shown(key.text)} cannot be {what}", hint)
    return None


def _check_twins(pairs: tuple[Pair, ...], findings: Findings) -> None:
    """Warn of two properties that become one variable, such as `source-dir` and `source_dir`."""
    first: dict[str, str] = {}
    for key, _ in pairs:
        other = first.setdefault(_variable(key.text), key.text)
        if other != key.text:
            message = f"properties {other} and {key.text} become the same variable"
            findings.warn("same-variable", key, message, "keep one of them")


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _check_internal(
    at: Scalar,
    text: str,
    internal: InternalStep,
    pairs: tuple[Pair, ...],
    properties: dict[str, str],
    findings: Findings,
) -> None:
    for name in internal.required:
        if not properties.get(name, "").strip():
            findings.error("missing-property", at, f"step {text} needs the property {name}")
    known = {*internal.fields, "name", "cwd", "checkpoint"}
    for key, _ in pairs:
        if key.text not in known:
            listed = (name for name in internal.fields if not name.startswith(("aws-", "azure-")))
            hint = did_you_mean(findings.near(key.text, known), f"it has {', '.join(listed)}")
            message = f"step {text} has no property {shown(key.text)}"
            findings.warn("unknown-property", key, message, hint)


def _is_property_name(name: str) -> bool:
    return name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
