"""Where the jobs of a run may run, by the file, the project and who is trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from steersman.core import handing_over
from steersman.core.handing_over import Handed
from steersman.core.pipelines.model import Config
from steersman.core.runs import Job
from steersman.core.triggers import Chosen
from steersman.keyring import Keyring
from steersman.mirrors.base import Credentials
from steersman.store.base import Row
from steersman.store.runs import Placed

DEFAULT_POOL = "default"
FORK_POOL = "untrusted"
LONGEST_JOB = 6 * 3600.0
CREDENTIALS = "credentials"


class Placing(NamedTuple):
    """A place for each job by its name, or why the run is *refused*."""

    jobs: dict[str, Placed]
    refused: str = ""


def place(config: Config, chosen: Chosen, settings: Mapping[str, Any], *, fork: bool) -> Placing:
    """Find the pool of each job, what it needs there, and whose output it begins with."""
    entries = {each.name: each for each in chosen.workflow.pipelines} if chosen.workflow else {}
    own = settings.get("pool") or DEFAULT_POOL
    allowed = {own, *settings.get("pools", ())}
    places: dict[str, Placed] = {}
    for job in chosen.jobs:
        pipeline = config.pipelines[job.pipeline]
        pool = str(pipeline.reserved.get("pool") or own)
        if fork:
            pool = settings.get("fork_pool") or FORK_POOL
        elif pool not in allowed:
            names = ", ".join(sorted(allowed))
            why = f"{pipeline.place}: the project may not use the pool {pool}; it may use {names}"
            return Placing({}, why)
        needs = ("docker",) if pipeline.docker else ()
        entry = entries.get(job.name)
        source = handing_over.handed(entry) if entry else Handed()
        places[job.name] = Placed(pool, needs, source)
    return Placing(places)


def guarded(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Let nothing of a stranger's run before a person has looked at it."""
    return tuple(job if job.needs else job._replace(approve=True) for job in jobs)


def limited(jobs: tuple[Job, ...], settings: Mapping[str, Any]) -> tuple[Job, ...]:
    """Let no job run for ever: for as long as the project says, or six hours."""
    limit = seconds(settings, "job_minutes") or LONGEST_JOB
    return tuple(job._replace(limit=limit) for job in jobs)


def seconds(settings: Mapping[str, Any], name: str) -> float | None:
    """Return a number of minutes of the settings in seconds; None where they say nothing."""
    minutes = settings.get(name)
    return minutes * 60.0 if isinstance(minutes, int) else None


def credentials(keyring: Keyring, project: Row) -> Credentials | None:
    """Return how to log in where the project's repository is."""
    if project["credentials"] is None:
        return None
    said = json.loads(keyring.open(project["id"], CREDENTIALS, project["credentials"]))
    return Credentials(said.get("user", ""), said.get("password", ""), said.get("key", ""))
