"""Doubts about the schedules of a pipeline file, each where the file says the times."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.core.pipelines.model import Config
from steersman.core.problems import Problem, Severity
from steersman.core.schedules import linting, specs, written

_BY_TIME_OF_DAY = frozenset({"dst-gap", "dst-fold"})


def doubts(config: Config, now: int) -> Iterator[Problem]:
    """Return a warning for each thing that a schedule may mean otherwise."""
    for each in written.of(config, "", default=True):
        schedule = specs.read(specs.CHECKED_AS, each.spec, "")
        for doubt in linting.lint_spec(schedule, now):
            # What `H` stands for is known once a server has the schedule.
            if "H" not in schedule.texts[0] or doubt.code not in _BY_TIME_OF_DAY:
                message = f"the schedule {each.name}: {doubt.message}"
                yield Problem(Severity.WARNING, doubt.code, each.place, message, doubt.hint)
