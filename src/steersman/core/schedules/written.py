"""The schedules that a pipeline file holds, each with its name and with what it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from steersman.core.pipelines.model import Config, Pipeline, Workflow
from steersman.core.problems import Place

_ASIDE = ("name", "at")
_OUTSIDE_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Written(NamedTuple):
    """One schedule. *target* is the workflow or pipeline it starts, *spec* all that it says.

    *place* is where its times stand.
    """

    name: str
    target: str
    spec: Mapping[str, Any]
    place: Place


def of(config: Config, branch: str, *, default: bool) -> tuple[Written, ...]:
    """Return the schedules that the file of *branch* decides about.

    That of the *default* branch decides about all that it holds; any other one about those that
    are to run this very branch. One without a name is called like what it starts.
    """
    taken: set[str] = set()
    found = []
    for target, spec in _all(config):
        said = {key: value for key, value in spec.items() if key not in _ASIDE}
        name = _free(str(spec.get("name") or _plain(target)), taken)
        taken.add(name)
        if default or spec.get("branch") == branch:
            found.append(Written(name, target, said, Place(config.file, *spec["at"])))
    return tuple(found)


def _all(config: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    sections: tuple[Workflow | Pipeline, ...] = (*config.workflows, *config.pipelines.values())
    for each in sections:
        schedules = each.reserved.get("schedules")
        for spec in schedules if isinstance(schedules, list | tuple) else ():
            if isinstance(spec, Mapping) and spec.get("cron"):
                yield each.name, spec


def _plain(target: str) -> str:
    return _OUTSIDE_NAMES.sub("-", target)[:90].strip("-._") or "schedule"


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
