"""Our own keys of workflows and pipelines, read into plain data that is safe to store."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Many
from functools import cache
from re import Pattern

from steersman.core import resources, scalars
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines import shapes
from steersman.core.pipelines.fields import EVENTS, Field
from steersman.core.pipelines.findings import Findings, shown

_MOST_JOBS = 256


def read(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read the value of *field* as plain data: texts, numbers, booleans, lists, dicts."""
    if type(node) is Scalar and scalars.is_null(node):
        findings.error("empty", node, f"{what} is empty", "give it a value, or remove the key")
        return None
    simple = shapes.SIMPLE.get(field.shape)
    if simple is not None:
        value = simple(node, what, findings)
        return list(value) if isinstance(value, tuple) else value
    return _READERS[field.shape](field, node, what, findings)


def read_all(
    found: dict[str, tuple[Scalar, Node]], fields: Many[Field], findings: Findings
) -> dict[str, object]:
    """Read those of *fields* that were found in a map."""
    values: dict[str, object] = {}
    for field in fields:
        if field.name in found:
            value = read(field, found[field.name][1], field.name, findings)
            if value is not None:
                values[field.name] = value
    return values


def _fields(field: Field, node: Node, what: str, findings: Findings) -> object:
    found = shapes.members(node, field.fields, what, findings)
    values = {
        each.name: read(each, found[each.name][1], f"{each.name} of {what}", findings)
        for each in field.fields
        if each.name in found
    }
    return {name: value for name, value in values.items() if value is not None}


def _on(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read `on`: a map, or only the events."""
    if type(node) is Mapping:
        return _fields(field, node, what, findings)
    return {"events": _events(node, what, findings)}


def _events(node: Node, what: str, findings: Findings) -> list[str]:
    items = node.items if type(node) is Sequence else (node,)
    read_one = (shapes.choice(item, f"an event of {what}", EVENTS, findings) for item in items)
    return [event for event in read_one if event is not None]


def _choice(field: Field, node: Node, what: str, findings: Findings) -> object:
    return shapes.choice(node, what, field.choices, findings)


def _choices(field: Field, node: Node, what: str, findings: Findings) -> object:
    return _events(node, what, findings)


def _schedules(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read schedules: a list of maps or expressions, or one of them; each gets line and column."""
    items = node.items if type(node) is Sequence else (node,)
    found: list[object] = []
    for item in items:
        if type(item) is Scalar:
            read: object = {"cron": _cron(field, item, "a schedule", findings)}
        else:
            read = _fields(field, item, "a schedule", findings)
        if isinstance(read, dict):
            where = findings.place(_expression(item))
            found.append(read | {"at": [where.line, where.column]})
    return found


def _expression(item: Node) -> Node:
    """Return where a schedule says its times."""
    if type(item) is not Mapping:
        return item
    return next((value for key, value in item.items if key.text == "cron"), item)


def _cron(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read a value of a schedule: what reads them is only imported for files that have some."""
    from steersman.core.pipelines import schedules

    shape = "cron" if field.shape == "schedules" else field.shape
    return schedules.READERS[shape](field, node, what, findings)


def _concurrency(field: Field, node: Node, what: str, findings: Findings) -> object:
    if type(node) is Scalar:
        return {"group": shapes.filled(node, what, findings)}
    return _fields(field, node, what, findings)


def _approve(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read `approve`: a boolean, or who may approve."""
    if type(node) is Scalar and (value := scalars.boolean(node)) is not None:
        return value
    return list(shapes.texts(node, what, findings)) or None


def _cache(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read `cache`: a boolean, folders, or a map."""
    if type(node) is Scalar and (value := scalars.boolean(node)) is not None:
        return value
    if type(node) is Mapping:
        return _fields(field, node, what, findings)
    return {"paths": list(shapes.texts(node, what, findings))}


def _matrix(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read `matrix`: each variable's values, and combinations to add or leave out."""
    if type(node) is not Mapping:
        message = f"{what} must be a map of variables, not {describe(node)}"
        findings.error("wrong-type", node, message, "write `NAME: [value, value]`")
        return None
    found: dict[str, object] = {}
    jobs = 1
    for key, value in node.items:
        if key.text.startswith("x-"):
            continue
        if key.text in ("include", "exclude"):
            found[key.text] = _combinations(value, f"{key.text} of {what}", findings)
            continue
        _check_variable(key, what, findings)
        values = list(shapes.texts(value, f"{key.text} of {what}", findings))
        if not values:
            findings.error("empty", key, f"{shown(key.text)} of {what} has no values")
        found[key.text] = values
        jobs *= max(1, len(values))
    if jobs > _MOST_JOBS:
        findings.error("too-many-jobs", node, f"{what} makes more than {_MOST_JOBS} jobs")
    return found


def _combinations(node: Node, what: str, findings: Findings) -> list[dict[str, str]]:
    if type(node) is not Sequence:
        findings.error("wrong-type", node, f"{what} must be a list of maps, not {describe(node)}")
        return []
    return [shapes.env(item, f"each item of {what}", findings) for item in node.items]


def _check_variable(key: Scalar, what: str, findings: Findings) -> None:
    if not _variables().fullmatch(key.text):
        message = f"{shown(key.text)} in {what} cannot be the name of a variable"
        findings.error("bad-variable", key, message, "use letters, digits and '_'")


def _cpu(field: Field, node: Node, what: str, findings: Findings) -> object:
    value = _quantity(node, what, r"[0-9]+m|[0-9]+(\.[0-9]+)?", "`2`, `0.5` or `500m`", findings)
    if value is not None and resources.thousandths(value) is None:
        _unusable(node, value, what, "a number of processors from 0.001 to 1024", findings)
    return value


def _bytes(field: Field, node: Node, what: str, findings: Findings) -> object:
    pattern = r"[0-9]+(\.[0-9]+)?([kKMGT]i?)?[Bb]?"
    value = _quantity(node, what, pattern, "`512Mi` or `2Gi`", findings)
    if value is not None and resources.in_bytes(value) is None:
        _unusable(node, value, what, "from `6Mi` to `1024Ti`; a number alone is bytes", findings)
    return value


def _unusable(node: Node, value: str, what: str, hint: str, findings: Findings) -> None:
    message = f"{shown(value)} is too little or too much for {what}"
    findings.error("bad-quantity", node, message, f"write {hint}")


def _quantity(node: Node, what: str, pattern: str, example: str, findings: Findings) -> str | None:
    value = shapes.filled(node, what, findings)
    if value is None:
        return None
    if not _compiled(pattern).fullmatch(value) or not value.strip("0.mkKMGTiBb"):
        hint = f"write {example}"
        findings.error("bad-quantity", node, f"{shown(value)} is no amount for {what}", hint)
        return None
    return value


def _priority(field: Field, node: Node, what: str, findings: Findings) -> object:
    return shapes.whole(node, what, findings, -100, 100)


def _retries(field: Field, node: Node, what: str, findings: Findings) -> object:
    return shapes.whole(node, what, findings, 0, 10)


@cache
def _compiled(pattern: str) -> Pattern[str]:
    import re

    return re.compile(pattern)


def _variables() -> Pattern[str]:
    return _compiled(r"[A-Za-z_][A-Za-z0-9_]*")


_SCHEDULED = (
    "cron", "timezone", "duration", "moment", "count", "bounded", "schedule-name",
)  # fmt: skip
_READERS: dict[str, Callable[[Field, Node, str, Findings], object]] = {
    "on": _on,
    "fields": _fields,
    "choice": _choice,
    "choices": _choices,
    "schedules": _schedules,
    **dict.fromkeys(_SCHEDULED, _cron),
    "concurrency": _concurrency,
    "approve": _approve,
    "cache": _cache,
    "matrix": _matrix,
    "cpu": _cpu,
    "bytes": _bytes,
    "priority": _priority,
    "retries": _retries,
}
