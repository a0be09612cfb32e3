"""Runs a scenario: a wercker.yml that says, under `x-` keys, what it needs and what must happen."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from steersman import pipeline_file
from steersman.cli.job import Request, build_job
from steersman.cli.working_dir import WorkingDir
from steersman.containers.base import Containers
from steersman.core import events
from steersman.core.errors import SteersmanError
from steersman.core.events import Event, Level
from steersman.core.pipelines import pick
from steersman.core.steps import Outcome
from steersman.core.variables import Command
from steersman.executor.attempt import Attempt

CASES = Path(__file__).parent / "cases"
FLAGS: dict[str, Any] = {
    "pipeline": None, "deploy_target": None, "wercker_yml": None, "source_dir": None,
    "ignore_file": None, "direct_mount": False, "artifacts": False, "env": (),
    "environment": None, "pull": "never", "docker_local": True, "docker_dns": (),
    "docker_memory": None, "docker_network": None, "expose_ports": False,
    "enable_volumes": False, "no_remove": False, "command_timeout": None,
    "no_response_timeout": None, "service_timeout": 20.0, "refresh_steps": False,
    "application_id": None, "application_name": None, "application_owner_name": None,
    "application_started_by_name": None, "git_domain": None, "git_owner": None,
    "git_repository": None, "git_branch": None, "git_tag": None, "git_commit": None,
    "run_id": None,
}  # fmt: skip


@dataclass
class Seen:
    """What happened: every event, and how it ended."""

    events: list[Event] = field(default_factory=list)
    outcome: Outcome | None = None
    error: SteersmanError | None = None
    output_folder: Path | None = None

    @property
    def printed(self) -> str:
        data = b"".join(event.data for event in self.events if isinstance(event, events.Output))
        return data.decode(errors="replace")

    @property
    def warnings(self) -> str:
        return "\n".join(
            event.text
            for event in self.events
            if isinstance(event, events.Notice) and event.level is Level.WARNING
        )


def cases() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(path.stem for path in CASES.glob("*.yml"))


def load(name: str) -> dict[str, Any]:
    """Read a scenario's file as plain data."""
    data: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yml").read_text())
    return data


def lay_out(project: Path, name: str, case: Mapping[str, Any]) -> None:
    """Write the project of a scenario."""
    project.mkdir()
    (project / "wercker.yml").write_text((CASES / f"{name}.yml").read_text())
    for path, text in case.get("x-files", {}).items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    for path, mode in case.get("x-modes", {}).items():
        (project / path).chmod(mode)
    for path, target in case.get("x-links", {}).items():
        (project / path).symlink_to(target)
    for step, files in case.get("x-steps", {}).items():
        folder = project / ".wercker" / "steps" / step
        folder.mkdir(parents=True)
        for path, text in files.items():
            (folder / path).write_text(text)


def run(project: Path, case: Mapping[str, Any], containers: Containers) -> Seen:
    """Run the scenario's pipeline as often as it asks for; return what the last run showed."""
    return [asyncio.run(_run(project, case, containers)) for _ in range(case.get("x-runs", 1))][-1]


async def _run(project: Path, case: Mapping[str, Any], containers: Containers) -> Seen:
    seen = Seen()
    variables = [f"X_{key}={value}" for key, value in case.get("x-public", {}).items()]
    variables += [f"XXX_{key}={value}" for key, value in case.get("x-hidden", {}).items()]
    flags = {**FLAGS, "env": tuple(variables), "deploy_target": case.get("x-target")}
    for name, seconds in case.get("x-settings", {}).items():
        flags[name] = seconds / 60
    parsed = pipeline_file.read(project / "wercker.yml")
    assert parsed.config is not None, parsed.problems
    working = WorkingDir(project / ".wercker")
    working.prepare(project)
    ids = map(str, itertools.count(time.monotonic_ns()))
    try:
        await containers.require()
        request = Request(
            command=Command.BUILD,
            project=project,
            working=working,
            config=parsed.config,
            pipeline=pick(parsed.config, "build"),
            flags=flags,
        )
        environ = {"PATH": os.environ["PATH"]}
        job = build_job(request, containers, environ=environ, new_id=lambda: next(ids))
        seen.output_folder = job.folder / "output"
        attempt = Attempt(
            job, containers, seen.events.append, cancelled=asyncio.Event(), clock=time.monotonic
        )
        seen.outcome = await attempt.run()
    except SteersmanError as error:
        seen.error = error
    finally:
        await containers.close()
    return seen
