"""Checking the Job of an item as far as that can be done before it is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from typing import Any

from steersman.core.nodes import Mapping, Node, Scalar, describe
from steersman.core.pipelines.findings import Findings, shown
from steersman.cron.configs import trees

LONGEST_NAME = 50
"""With a dash and twelve digits behind it a name has the 63 characters that a Job may have."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def read(node: Node, findings: Findings) -> AnyMapping[str, Any] | None:
    """Return the Job as plain data; None, with the mistakes noted, when it cannot be one."""
    if type(node) is not Mapping:
        message = f"job must be a Job of Kubernetes, and is {describe(node)}"
        findings.error("missing-job", node, message)
        return None
    before = len(findings.problems)
    _constant(node, "kind", ("Job",), findings)
    _constant(node, "apiVersion", ("batch/v1",), findings)
    _check_containers(node, findings)
    body = trees.plain(node)
    return body if len(findings.problems) == before and isinstance(body, dict) else None


def base_name(node: Node, findings: Findings) -> str | None:
    """Return what the names of an item's Jobs begin with: of its metadata."""
    metadata = _at(node, "metadata")
    name = _at(metadata, "name") or _at(metadata, "generateName")
    if type(name) is not Scalar or not name.text:
        hint = "write metadata.name in the job"
        findings.error("missing-name", metadata or node, "the job has no name", hint)
        return None
    text = name.text.rstrip("-") if _at(metadata, "name") is None else name.text
    if not _NAME.fullmatch(text):
        hint = "use lower case letters, digits, `-` and `.`"
        findings.error("bad-name", name, f"{shown(text)} cannot be the name of a Job", hint)
        return None
    if len(text) > LONGEST_NAME:
        message = f"the name has {len(text)} characters, and with the digits of an instant"
        message += f" behind it it may have {LONGEST_NAME}"
        findings.error("name-too-long", name, message, "shorten it")
        return None
    return text


def _constant(job: Mapping, key: str, allowed: tuple[str, ...], findings: Findings) -> None:
    node = _at(job, key)
    if node is not None and (type(node) is not Scalar or node.text not in allowed):
        message = f"{key} of a job must be {allowed[0]}"
        hint = "its schedule is the item's: write what a CronJob has below `jobTemplate:`"
        cron_job = type(node) is Scalar and node.text == "CronJob"
        findings.error("not-a-job", node, message, hint if cron_job else None)


def _check_containers(job: Mapping, findings: Findings) -> None:
    path: list[str] = []
    node: Node = job
    for key in ("spec", "template", "spec", "containers"):
        path.append(key)
        below = _at(node, key)
        if below is None or (key != "containers" and type(below) is not Mapping):
            message = f"the job has no {'.'.join(path)}"
            hint = "it is a Job of batch/v1: write at least spec.template.spec.containers"
            findings.error("not-a-job", below or node, message, hint)
            return
        node = below
    items = getattr(node, "items", ())
    if type(node) is Mapping or not items:
        findings.error("not-a-job", node, "containers must be a list with at least one container")


def _at(node: Node | None, key: str) -> Node | None:
    if type(node) is not Mapping:
        return None
    return next((value for name, value in node.items if name.text == key), None)
