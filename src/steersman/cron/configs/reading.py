"""Reading a whole configuration: all or nothing, with every mistake found at once.

A list is a file of Cronetes and means what it meant there; a map is ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from steersman.core.nodes import Mapping, Node, Sequence, describe
from steersman.core.pipelines.findings import Findings
from steersman.core.problems import Problem
from steersman.core.schedules.expressions import Mode
from steersman.cron.configs import items, trees, values
from steersman.cron.configs.items import POLICIES
from steersman.cron.configs.timings import Setting
from steersman.cron.entries import Entry

_KEYS = ("schedules", "defaults")


class Read(NamedTuple):
    """What was read. *entries* is None if and only if one of *problems* is an error."""

    entries: dict[str, Entry] | None
    problems: tuple[Problem, ...]
    source: str


class Reading(NamedTuple):
    """How to read: *zone* is whose time is meant, *lint* also looks for doubts."""

    zone: str
    now: int
    lint: bool = True


def read(source: str, name: str, reading: Reading) -> Read:
    """Read the text of a configuration called *name*; never fails, all mistakes are in it."""
    findings = Findings(name)
    root = trees.read(source, findings)
    entries: dict[str, Entry] = {}
    if root is None and not findings.failed:
        findings.warn("empty", values_place(), "the configuration is empty: nothing will run")
    elif root is not None:
        entries = _entries(root, reading, findings)
    failed = findings.failed
    return Read(None if failed else entries, findings.sorted(), source)


def values_place() -> Node:
    """Return the beginning of a file."""
    return Sequence((), 1, 1)


def _entries(root: Node, reading: Reading, findings: Findings) -> dict[str, Entry]:
    if type(root) is Sequence:
        setting = Setting(Mode.ROBFIG1, reading.zone, {}, reading.now, reading.lint, strict=False)
        return _named(root.items, setting, findings, cronetes=True)
    if type(root) is not Mapping:
        message = f"a configuration is a list of items or a map, and this is {describe(root)}"
        findings.error("wrong-type", root, message)
        return {}
    found = values.members(root, _KEYS, "the configuration", findings)
    defaults: values.Members = {}
    if "defaults" in found:
        defaults = values.members(found["defaults"][1], POLICIES, "defaults", findings)
    setting = Setting(Mode.STANDARD, reading.zone, defaults, reading.now, reading.lint)
    if "schedules" not in found:
        findings.error("missing-key", root, "the configuration has no `schedules`")
        return {}
    below = found["schedules"][1]
    if type(below) is not Sequence:
        findings.error("wrong-type", below, f"schedules must be a list, not {describe(below)}")
        return {}
    return _named(below.items, setting, findings, cronetes=False)


def _named(
    nodes: Iterable[Node], setting: Setting, findings: Findings, *, cronetes: bool
) -> dict[str, Entry]:
    """Read all items; each has a name of its own."""
    found: dict[str, Entry] = {}
    for node in nodes:
        entry = items.read(node, setting, findings)
        if entry is None:
            continue
        name = entry.schedule.name
        if name in found and cronetes:
            entry = _renamed(entry)
            again = entry.schedule.name
            message = f"a second item is called {name!r}; in the ledger this one is {again!r}"
            findings.warn("same-name", node, message, "give it a `name`")
            name = again
        if name in found:
            hint = "give one of them another `name`"
            findings.error("same-name", node, f"two items are called {name!r}", hint)
            continue
        found[name] = entry
    return found


def _renamed(entry: Entry) -> Entry:
    """Give a second item of one name another one that no order of the file changes."""
    said = repr((entry.schedule.texts, sorted(map(repr, entry.work.body.items()))))
    name = f"{entry.schedule.name}-{hashlib.sha256(said.encode()).hexdigest()[:6]}"
    return Entry(entry.schedule._replace(name=name), entry.work._replace(schedule=name))
