"""Reading the command of an item, and what it begins with."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from typing import Any

from steersman.core import scalars
from steersman.core.nodes import Mapping, Node, Scalar, Sequence, describe
from steersman.core.pipelines.findings import Findings, shown
from steersman.cron.configs import values
from steersman.cron.configs.values import Members
from steersman.cron.processes.environments import OURS

KEYS = ("command", "directory", "environment", "limit")
LONGEST_BASE = 50
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read(found: Members, findings: Findings) -> AnyMapping[str, Any] | None:
    """Return the command and what belongs to it; None, with the mistakes noted, if it is none."""
    before = len(findings.problems)
    command = _command(found["command"][1], findings)
    directory = _directory(found["directory"][1], findings) if "directory" in found else None
    variables = _variables(found["environment"][1], findings) if "environment" in found else {}
    limit = _limit(found["limit"][1], findings) if "limit" in found else None
    if len(findings.problems) > before:
        return None
    return {
        "command": command, "directory": directory, "environment": variables, "limit": limit,
    }  # fmt: skip


def base_name(name: str) -> str:
    """Return what the names of a schedule's runs begin with, as folders may be called."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_BASE] or "run"


def _command(node: Node, findings: Findings) -> list[str]:
    """Read a list of words, or a text for the shell."""
    if type(node) is Scalar:
        text = values.text(node, "command", findings)
        return [] if text is None or not _is_clean(node, "command", findings) else _shell(text)
    items = node.items if type(node) is Sequence else ()
    if not items:
        kind = "an empty list" if type(node) is Sequence else describe(node)
        message = f"command must be a list of words or a text for the shell, and is {kind}"
        findings.error("bad-command", node, message)
    words = []
    for item in items:
        if type(item) is not Scalar or scalars.is_null(item):
            message = "each word of a command must be a text"
            hint = "put quotes round it" if type(item) is Scalar else None
            findings.error("bad-command", item, message, hint)
        elif _is_clean(item, "command", findings):
            words.append(item.text)
    if words and not words[0]:
        findings.error("bad-command", items[0], "the first word of a command is empty")
    return words


def _shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def _is_clean(node: Scalar, what: str, findings: Findings) -> bool:
    """Note characters that the kernel cannot hand on."""
    if "\0" not in node.text:
        return True
    findings.error("bad-text", node, f"{what} has a NUL character, which no process can get")
    return False


def _directory(node: Node, findings: Findings) -> str | None:
    text = values.text(node, "directory", findings)
    if text is None or type(node) is not Scalar or not _is_clean(node, "directory", findings):
        return None
    if not text.startswith("/"):
        message = f"directory must be absolute, and is {shown(text)}"
        findings.error("bad-directory", node, message, "begin it with `/`")
    return text


def _variables(node: Node, findings: Findings) -> dict[str, str | None]:
    """Read variables; one without a value is taken from our own environment."""
    if type(node) is not Mapping:
        message = f"environment must be a map of names and values, not {describe(node)}"
        findings.error("wrong-type", node, message)
        return {}
    found: dict[str, str | None] = {}
    for key, value in node.items:
        name = key.text
        if not _VARIABLE.fullmatch(name):
            findings.error("bad-variable", key, f"{shown(name)} cannot be a variable's name")
        elif name in OURS:
            findings.error("bad-variable", key, f"{name} is set by cron itself")
        elif type(value) is not Scalar:
            message = f"the value of {name} must be a text, not {describe(value)}"
            findings.error("wrong-type", value, message)
        elif _is_clean(value, f"the value of {name}", findings):
            found[name] = None if scalars.is_null(value) else value.text
    return found


def _limit(node: Node, findings: Findings) -> float | None:
    seconds = values.duration(node, "limit", findings)
    if seconds is not None and seconds < 1:
        findings.error("bad-duration", node, "limit must be at least a second")
    return seconds
