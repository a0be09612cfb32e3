"""Reading one value of each simple shape: texts, numbers, words, lists of texts.

Each reader returns None when it noted a mistake or when nothing was written, so that the rest of
the file is still read.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Many
from functools import cache
from re import Pattern

from steersman.core import scalars, words
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines.fields import Field
from steersman.core.pipelines.findings import Findings, did_you_mean, shown


def text(node: Node, what: str, findings: Findings) -> str | None:
    """Read a text as written, never typed: `1.10` stays `1.10`, `yes` stays `yes`."""
    if type(node) is not Scalar:
        findings.error("wrong-type", node, f"{what} must be a text, not {describe(node)}")
        return None
    return None if scalars.is_null(node) else node.text


def filled(node: Node, what: str, findings: Findings) -> str | None:
    """Read a text that must not be empty."""
    value = text(node, what, findings)
    if type(node) is Scalar and not (value and value.strip()):
        findings.error("empty", node, f"{what} is empty")
        return None
    return value


def texts(node: Node, what: str, findings: Findings) -> tuple[str, ...]:
    """Read a list of texts; one text alone is a list of one."""
    if type(node) is Mapping:
        findings.error("wrong-type", node, f"{what} must be a list of texts, not a map")
        return ()
    if type(node) is Scalar:
        return () if scalars.is_null(node) else (node.text,)
    assert type(node) is Sequence  # noqa: S101  narrows the union
    values = (filled(item, f"each item of {what}", findings) for item in node.items)
    return tuple(value for value in values if value is not None)


def boolean(node: Node, what: str, findings: Findings) -> bool | None:
    """Read a boolean word, quoted or not."""
    value = scalars.boolean(node) if type(node) is Scalar else None
    if value is None:
        message = f"{what} must be `true` or `false`, not {_found(node)}"
        findings.error("wrong-type", node, message)
    return value


def minutes(node: Node, what: str, findings: Findings) -> float | None:
    """Read a number of minutes above zero; fractions and quoted numbers are fine."""
    value = scalars.number(node) if type(node) is Scalar else None
    if value is None or value <= 0:
        message = f"{what} must be a number of minutes above zero, not {_found(node)}"
        findings.error("wrong-type", node, message, "write it without a unit: `10` or `1.5`")
        return None
    return value


def whole(node: Node, what: str, findings: Findings, low: int, high: int) -> int | None:
    """Read a whole number between two bounds."""
    value = scalars.integer(node.text) if type(node) is Scalar else None
    if value is None or not low <= value <= high:
        message = f"{what} must be a whole number from {low} to {high}, not {_found(node)}"
        findings.error("wrong-type", node, message)
        return None
    return value


def choice(node: Node, what: str, choices: Many[str], findings: Findings) -> str | None:
    """Read one of some words."""
    if type(node) is Scalar and node.text in choices:
        return node.text
    message = f"{what} must be one of {', '.join(choices)}, not {_found(node)}"
    near = findings.near(node.text, choices) if type(node) is Scalar else None
    findings.error("wrong-choice", node, message, did_you_mean(near))
    return None


def command(node: Node, what: str, findings: Findings) -> tuple[str, ...] | None:
    """Read a command: a text that is split into words, or a list of words."""
    if type(node) is Sequence:
        given = (text(item, f"each word of {what}", findings) for item in node.items)
        return tuple(word or "" for word in given)
    line = text(node, what, findings)
    if line is None:
        return None
    try:
        return words.split(line)
    except words.UnclosedQuote as error:
        hint = "close it, or put a backslash before it"
        findings.error("unclosed-quote", node, f"{what} cannot be split into words: {error}", hint)
        return None


def joined(node: Node, what: str, findings: Findings) -> str:
    """Read a text, or a list whose items are joined with blanks."""
    return " ".join(texts(node, what, findings))


def ports(node: Node, what: str, findings: Findings) -> tuple[str, ...]:
    """Read ports: one, a list, or several in one text."""
    found: list[str] = []
    for port in texts(node, what, findings):
        for one in port.replace(",", " ").split():
            if "$" not in one and not _ports().fullmatch(one):
                hint = "write `8000`, `8001:8000` or `127.0.0.1:8001:8000/udp`"
                findings.error("bad-port", node, f"{shown(one)} in {what} is not a port", hint)
            else:
                found.append(one)
    return tuple(found)


def env(node: Node, what: str, findings: Findings) -> dict[str, str]:
    """Read variables: a map of texts, whose names keep their case."""
    if type(node) is not Mapping:
        if not (type(node) is Scalar and scalars.is_null(node)):
            hint = "write `NAME: value`, one line for each variable"
            findings.error("wrong-type", node, f"{what} must be a map, not {describe(node)}", hint)
        return {}
    found: dict[str, str] = {}
    for key, value in node.items:
        if key.text.startswith("x-"):
            continue
        if not key.text or any(char in "= \t\r\n\0" for char in key.text):
            message = f"{shown(key.text)} in {what} cannot be the name of a variable"
            findings.error("bad-variable", key, message, "use letters, digits and '_'")
        found[key.text] = text(value, f"{key.text} in {what}", findings) or ""
    return found


def members(
    node: Node, fields: Many[Field], what: str, findings: Findings
) -> dict[str, tuple[Scalar, Node]]:
    """Read the keys of a map that may have *fields* only; the unknown are warned about."""
    if type(node) is not Mapping:
        names = ", ".join(field.name for field in fields[:6])
        message = f"{what} must be a map, not {describe(node)}"
        findings.error("wrong-type", node, message, f"its keys are {names}")
        return {}
    known = _names(tuple(fields))
    found: dict[str, tuple[Scalar, Node]] = {}
    for key, value in node.items:
        if key.text in known:
            found[key.text] = (key, value)
        elif not key.text.startswith("x-"):
            near = findings.near(key.text, known)
            hint = did_you_mean(near, f"it may have {_listed(fields)}")
            findings.warn("unknown-key", key, f"{what} has no key {shown(key.text)}", hint)
    for field in fields:
        if field.required and field.name not in found:
            findings.error("missing-key", node, f"{what} needs a {field.name}")
    return found


def _listed(fields: Many[Field]) -> str:
    return ", ".join(field.name for field in fields)


@cache
def _names(fields: tuple[Field, ...]) -> frozenset[str]:
    return frozenset(field.name for field in fields)


def _found(node: Node) -> str:
    if type(node) is Scalar and not scalars.is_null(node):
        return shown(node.text)
    return describe(node)


@cache
def _ports() -> Pattern[str]:
    import re

    number = r"[0-9]{1,5}(?:-[0-9]{1,5})?"
    return re.compile(
        rf"(?:(?:[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?:(?:{number})?:)?{number}(?:/(?:tcp|udp|sctp))?"
    )


SIMPLE: dict[str, Callable[[Node, str, Findings], object]] = {
    "text": filled,
    "texts": texts,
    "boolean": boolean,
    "minutes": minutes,
    "words": command,
    "joined": joined,
    "ports": ports,
    "env": env,
}
