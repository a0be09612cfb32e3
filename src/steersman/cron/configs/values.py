"""Reading single values of a configuration, with every mistake at its place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from steersman.core import scalars
from steersman.core.errors import UserError
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines.findings import Findings, did_you_mean, shown
from steersman.core.schedules import durations

W = TypeVar("W", bound=StrEnum)
Members = dict[str, tuple[Scalar, Node]]


def members(
    node: Node, known: Iterable[str], what: str, findings: Findings, *, strict: bool = True
) -> Members:
    """Return the keys of a map; those that are not *known* are mistakes, or doubts."""
    if type(node) is not Mapping:
        message = f"{what} must be a map, not {describe(node)}"
        findings.error("wrong-type", node, message)
        return {}
    names = tuple(known)
    found: Members = {}
    for key, value in node.items:
        if key.text in names:
            found[key.text] = (key, value)
        elif not key.text.startswith("x-"):
            near = findings.near(key.text, names)
            hint = did_you_mean(near, f"it may have {', '.join(names)}")
            note = findings.error if strict else findings.warn
            note("unknown-key", key, f"{what} has no key {shown(key.text)}", hint)
    return found


def text(node: Node, what: str, findings: Findings) -> str | None:
    """Read a text that is not empty."""
    if type(node) is Scalar and not scalars.is_null(node) and node.text.strip():
        return node.text
    kind = "empty" if type(node) is Scalar else describe(node)
    findings.error("wrong-type", node, f"{what} must be a text, and is {kind}")
    return None


def texts(node: Node, what: str, findings: Findings) -> list[tuple[str, Scalar]]:
    """Read a text or a list of them, each with its place."""
    found = []
    for item in node.items if type(node) is Sequence else (node,):
        value = text(item, what, findings)
        if value is not None and type(item) is Scalar:
            found.append((value, item))
    if type(node) is Sequence and not node.items:
        findings.error("empty", node, f"{what} is an empty list")
    return found


def whole(node: Node, what: str, low: int, high: int, findings: Findings) -> int | None:
    """Read a whole number within bounds."""
    value = scalars.integer(node.text) if type(node) is Scalar else None
    if value is None or not low <= value <= high:
        message = f"{what} must be a whole number from {low} to {high}"
        findings.error("bad-number", node, message)
        return None
    return value


def boolean(node: Node, what: str, findings: Findings) -> bool | None:
    """Read true or false."""
    value = scalars.boolean(node) if type(node) is Scalar else None
    if value is None:
        findings.error("wrong-type", node, f"{what} must be true or false")
    return value


def word(node: Node, words: type[W], what: str, findings: Findings) -> W | None:
    """Read one of a closed list."""
    value = node.text if type(node) is Scalar else ""
    if value in tuple(map(str, words)):
        return words(value)
    listed = ", ".join(map(str, words))
    near = did_you_mean(findings.near(value, map(str, words)), f"write one of {listed}")
    findings.error("bad-word", node, f"{what} cannot be {shown(value)}", near)
    return None


def duration(node: Node, what: str, findings: Findings) -> float | None:
    """Read a duration such as `90s` or `1h30m`; a bare number is seconds."""
    value = text(node, what, findings)
    if value is None:
        return None
    try:
        seconds = float(value) if value.isdigit() else durations.seconds(value)
    except UserError as error:
        findings.error("bad-duration", node, f"{what}: {error}", error.hint)
        return None
    if seconds < 0:
        findings.error("bad-duration", node, f"{what} must not be negative")
        return None
    return seconds


def moment(node: Node, what: str, findings: Findings) -> int | None:
    """Read a time as RFC 3339 writes it; without a zone it is UTC."""
    value = text(node, what, findings)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        hint = "write for example 2026-12-24T18:00:00Z"
        findings.error("bad-time", node, f"{what} is no time: {shown(value)}", hint)
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
