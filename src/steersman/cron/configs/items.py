"""Reading one item of a configuration: a schedule and what it launches."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from typing import Any

from steersman.core.nodes import Mapping, Node
from steersman.core.pipelines.findings import Findings
from steersman.core.schedules import linting
from steersman.core.schedules.schedule import (
    Alarms,
    Catching,
    CatchUp,
    Overlap,
    Overlapping,
    Schedule,
    Stop,
)
from steersman.cron.configs import commands, jobs, timings, values
from steersman.cron.configs.timings import Setting
from steersman.cron.configs.values import Members
from steersman.cron.entries import Entry
from steersman.cron.launchers.base import What, Work

POLICIES = (
    "mode", "timezone", "dst", "catch-up", "deadline", "overlap", "group", "jitter", "priority",
    "project", "attempts", "stop", "alarms", "starts", "ends", "anchor",
)  # fmt: skip
CRONETES = ("name", "schedule", "schedules", "job", *POLICIES)
"""Files of Cronetes know no commands."""
KEYS = (*CRONETES, *commands.KEYS)


def read(node: Node, setting: Setting, findings: Findings) -> Entry | None:
    """Return an item; None, with all its mistakes noted, when it cannot be used."""
    known = KEYS if setting.strict else CRONETES
    found = {
        **setting.defaults,
        **values.members(node, known, "an item", findings, strict=setting.strict),
    }
    before = sum(1 for each in findings.problems if each.severity == "error")
    if type(node) is not Mapping:
        return None
    work = _work(found, node, findings)
    name = work.schedule if work is not None else ""
    timing = timings.read(found, node, name, setting, findings)
    policy = _policies(found, findings)
    errors = sum(1 for each in findings.problems if each.severity == "error")
    if errors > before or timing is None or work is None:
        return None
    schedule = policy._replace(
        name=name, tables=timing.tables, texts=timing.texts, version=timing.digest
    )
    if setting.lint:
        for doubt in linting.lint_schedule(schedule, setting.now):
            findings.warn(doubt.code, _place(found, node), doubt.message, doubt.hint)
    return Entry(schedule, work)


def _work(found: Members, node: Node, findings: Findings) -> Work | None:
    """Return what an item launches, of which there is one, and how the item is called."""
    if "command" in found:
        return _command(found, node, findings)
    for key in commands.KEYS:
        if key in found:
            message = f"{key} belongs to a command, and the item has none"
            findings.error("missing-command", found[key][0], message)
    if "job" not in found:
        hint = "write the Job below `job:`, or what this machine is to run behind `command:`"
        findings.error("missing-job", node, "the item has neither job nor command", hint)
        _name(found, "", findings)
        return None
    job = found["job"][1]
    body = jobs.read(job, findings)
    base = jobs.base_name(job, findings) if body is not None else None
    name = _name(found, base, findings)
    return None if body is None or base is None or name is None else Work(name, base, body)


def _command(found: Members, node: Node, findings: Findings) -> Work | None:
    if "job" in found:
        message = "the item has both a job and a command"
        findings.error("two-works", found["job"][0], message, "make two items of it")
    if "name" not in found:
        hint = "write `name:`, by which the ledger knows it"
        findings.error("missing-name", node, "an item with a command needs a name", hint)
    body = commands.read(found, findings)
    name = _name(found, None, findings)
    if body is None or name is None:
        return None
    return Work(name, commands.base_name(name), body, What.COMMAND)


def _name(found: Members, base: str | None, findings: Findings) -> str | None:
    if "name" not in found:
        return base
    name = values.text(found["name"][1], "name", findings)
    if name is not None and (len(name) > 200 or not name.isprintable()):
        findings.error("bad-name", found["name"][1], "a name has at most 200 printable characters")
        return None
    return name


def _place(found: Members, node: Node) -> Node:
    return (found.get("schedule") or found.get("schedules") or (node, node))[1]


def _policies(found: Members, findings: Findings) -> Schedule:
    """Return a schedule with everything but its name and times."""
    more: dict[str, Any] = {}
    for key, read_one in _READERS.items():
        if key in found:
            value = read_one(found[key][1], key, findings)
            if value is not None:
                more[key.replace("-", "_")] = value
    return Schedule("", (), **more)


def _jitter(node: Node, what: str, findings: Findings) -> int | None:
    seconds = values.duration(node, what, findings)
    return None if seconds is None else int(seconds)


def _priority(node: Node, what: str, findings: Findings) -> int | None:
    return values.whole(node, what, -1000, 1000, findings)


def _attempts(node: Node, what: str, findings: Findings) -> int | None:
    return values.whole(node, what, 1, 10, findings)


def _number(node: Mapping, key: str, most: int, what: str, findings: Findings) -> int | None:
    """Return the number of a map that has only this key."""
    inner = values.members(node, (key,), what, findings)
    if key not in inner:
        hint = f"write for example `{what}: {{{key}: 3}}`"
        findings.error("missing-key", node, f"{what} does not say how many", hint)
        return None
    return values.whole(inner[key][1], f"{key} of {what}", 1, most, findings)


def _catch_up(node: Node, what: str, findings: Findings) -> CatchUp | None:
    if type(node) is Mapping:
        most = _number(node, "all", 100_000, what, findings)
        return None if most is None else CatchUp(Catching.ALL, most)
    kind = values.word(node, Catching, what, findings)
    return None if kind is None else CatchUp(kind)


def _overlap(node: Node, what: str, findings: Findings) -> Overlap | None:
    if type(node) is Mapping:
        most = _number(node, "queue", 10_000, what, findings)
        return None if most is None else Overlap(Overlapping.QUEUE, most)
    kind = values.word(node, Overlapping, what, findings)
    return None if kind is None else Overlap(kind)


def _stop(node: Node, what: str, findings: Findings) -> Stop:
    inner = values.members(node, ("failures", "successes"), what, findings)
    found: AnyMapping[str, int | None] = {
        key: values.whole(each[1], f"{key} of {what}", 1, 1_000_000, findings)
        for key, each in inner.items()
    }
    return Stop(**found)


def _alarms(node: Node, what: str, findings: Findings) -> Alarms:
    inner = values.members(node, Alarms._fields, what, findings)
    found: dict[str, Any] = {
        key: values.duration(inner[key][1], f"{key} of {what}", findings)
        for key in ("late", "running", "silent")
        if key in inner
    }
    if "missed" in inner:
        found["missed"] = values.boolean(inner["missed"][1], f"missed of {what}", findings)
    return Alarms(**{key: value for key, value in found.items() if value is not None})


_READERS: AnyMapping[str, Callable[[Node, str, Findings], Any]] = {
    "deadline": values.duration,
    "jitter": _jitter,
    "priority": _priority,
    "attempts": _attempts,
    "group": values.text,
    "project": values.text,
    "starts": values.moment,
    "ends": values.moment,
    "catch-up": _catch_up,
    "overlap": _overlap,
    "stop": _stop,
    "alarms": _alarms,
}
