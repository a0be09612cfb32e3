"""Reading the keys of `schedules`; imported by files that have some.

What a value means is for `core/schedules/specs.py` to say, which the API asks as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as AnyMapping

from steersman.core import scalars
from steersman.core.errors import UserError
from steersman.core.nodes import Mapping, Node, Scalar, Sequence
from steersman.core.pipelines import shapes
from steersman.core.pipelines.fields import Field
from steersman.core.pipelines.findings import Findings, shown
from steersman.core.schedules import specs
from steersman.core.schedules.complaints import BadExpression


def cron(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read an expression; a mistake in it is shown at its very character."""
    value = shapes.filled(node, what, findings)
    if value is None or type(node) is not Scalar:
        return None
    try:
        return specs.value_of("cron", value)
    except BadExpression as error:
        # In a text over several lines the column says nothing.
        within = error.column + (not node.plain) if "\n" not in value else 0
        at = node._replace(column=node.column + within)
        message = f"{error} (column {error.column + 1} of {shown(value)})"
        findings.error("bad-schedule", at, message, error.hint)
        return None


def text(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read a zone, a duration or a time, which all are texts."""
    value = shapes.filled(node, what, findings)
    return None if value is None else _checked(field.name, value, node, findings)


def count(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read a whole number above zero."""
    most = specs.MOST_ATTEMPTS if field.name == "attempts" else specs.MOST
    return shapes.whole(node, what, findings, 1, most)


def bounded(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read a word, or a map of one word and how many that means."""
    if type(node) is not Mapping:
        return shapes.choice(node, what, field.choices, findings)
    found = shapes.members(node, field.fields, what, findings)
    values = {
        each.name: count(each, found[each.name][1], f"{each.name} of {what}", findings)
        for each in field.fields
        if each.name in found
    }
    return values if values and all(values.values()) else None


def name(field: Field, node: Node, what: str, findings: Findings) -> object:
    """Read a name, which stands in addresses and is how the schedule is known."""
    value = shapes.filled(node, what, findings)
    if value is None or specs.NAME.fullmatch(value):
        return value
    hint = "use letters, digits, blanks, `.`, `_` and `-`, at most 100"
    findings.error("bad-name", node, f"{shown(value)} cannot be the name of a schedule", hint)
    return None


def _checked(key: str, value: str, node: Node, findings: Findings) -> object:
    try:
        specs.value_of(key, value)
    except UserError as error:
        findings.error("bad-schedule", node, str(error), error.hint)
        return None
    return value


def check_names(sections: Iterable[Node], workflows: Node | None, findings: Findings) -> None:
    """Note names that two schedules of a file have: the platform knows them by these."""
    items = workflows.items if type(workflows) is Sequence else ()
    first: dict[str, Scalar] = {}
    for section in (*sections, *items):
        for found in _names(section):
            earlier = first.setdefault(found.text, found)
            if earlier is not found:
                message = f"two schedules are named {shown(found.text)}"
                hint = f"the first one is in line {earlier.line}; give each its own `name`"
                findings.error("duplicate-schedule", found, message, hint)


def _names(section: Node) -> Iterator[Scalar]:
    for node in _below(section, "schedules"):
        for item in node.items if type(node) is Sequence else (node,):
            for found in _below(item, "name"):
                if type(found) is Scalar and not scalars.is_null(found):
                    yield found


def _below(node: Node, key: str) -> list[Node]:
    if type(node) is not Mapping:
        return []
    return [value for name, value in node.items if name.text == key]


READERS: AnyMapping[str, Callable[[Field, Node, str, Findings], object]] = {
    "cron": cron,
    "timezone": text,
    "duration": text,
    "moment": text,
    "count": count,
    "bounded": bounded,
    "schedule-name": name,
}
