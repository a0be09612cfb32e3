"""Everything that is decided before a pod is made: the job, and the objects of the cluster."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from steersman.cli import job as jobs
from steersman.cli.job import Request
from steersman.cluster.base import RunnerSpec
from steersman.cluster.kubernetes import manifests, names
from steersman.cluster.kubernetes.containers import PYTHON, Ours
from steersman.cluster.kubernetes.pools import Pool
from steersman.core import filled_boxes, pods, variables
from steersman.core.errors import UserError
from steersman.core.variables import RunFacts
from steersman.executor.job import Settings
from steersman.runner.mailbox import LAPTOP_PORT, RUNNER_PORT
from steersman.runner.mailbox.for_laptop import digest
from steersman.wire import JobSpec

LOG_LIMIT = 2048 * 1024 * 1024
PULLS = {"always": "Always", "never": "Never"}
# What only the engine of one's own machine can do; what it means there is said by `steer build`.
_NOT_HERE = (
    "direct_mount", "expose_ports", "enable_volumes", "docker_dns", "docker_network",
    "step_registry",
)  # fmt: skip
_OF_BOX = ("run_id", "pipeline", "base_path", "root")

Flags = Mapping[str, Any]


class Order(NamedTuple):
    """What is asked of the cluster: *key* opens the mailbox, *job* is put into it."""

    attempt: str
    key: str
    job: JobSpec
    pod: manifests.Manifest
    secret: manifests.Manifest

    @property
    def name(self) -> str:
        return names.named(self.attempt)

    @property
    def proxied(self) -> str:
        """Return the path of the mailbox behind the API server, below the namespace's."""
        return f"pods/https:{self.name}:{LAPTOP_PORT}/proxy/laptop/v1"


def check(flags: Flags) -> None:
    """Refuse what a pod cannot do."""
    for flag in _NOT_HERE:
        if flags[flag]:
            raise UserError(
                f"--{flag.replace('_', '-')} is not possible in a pod",
                hint="leave it out, or run it here: without --on kubernetes",
            )
    if not flags["image"]:
        raise UserError(
            "--on kubernetes needs to know Steersman's own image, which brings up the pod",
            hint="name it by --image or STEERSMAN_IMAGE; `make image` builds it",
        )


def make(request: Request, file: Path, text: str, pool: Pool) -> Order:
    """Decide everything; `UserError` for a pipeline that cannot run in a pod."""
    flags = request.flags
    run_id = flags["run_id"] or jobs.new_run_id()
    facts = jobs.facts_of(request, run_id, "")
    given = jobs.given_by(flags, os.environ)
    public = (*variables.of_run(facts), *given.public)
    labels = {"project": facts.application_name, "run": run_id, "pipeline": facts.pipeline}
    wanted = pods.wanted(
        request.pipeline,
        filled_boxes.values(public, given.hidden),
        pods.About(run_id, labels=labels),
    )
    if flags["docker_memory"] is not None:
        memory = {"memory": f"{flags['docker_memory']}Mi"}
        wanted = wanted._replace(resources={**wanted.resources, **memory})
    key = secrets.token_urlsafe(32)
    spec = RunnerSpec(
        attempt=run_id,
        token=secrets.token_urlsafe(32),
        server_url=f"http://127.0.0.1:{RUNNER_PORT}",
        pool=pool.name,
        settings={"on": "pod", "laptop": digest(key)},
        wanted=pods.plain(wanted),
    )
    ours = Ours(flags["image"], run=(*PYTHON, "-m", "steersman.cli.pod_mailbox"))
    pull = PULLS.get("never" if flags["docker_local"] else flags["pull"], pool.pull)
    pulling = pool._replace(pull=pull)
    pod, secret = manifests.pod(spec, pulling, ours), manifests.secret(spec)
    for each in (pod, secret):
        each["metadata"]["labels"][names.MANAGED] = names.PERSONAL
    return Order(run_id, key, _job(request, facts, given, file, text), pod, secret)


def _job(
    request: Request, facts: RunFacts, given: variables.Given, file: Path, text: str
) -> JobSpec:
    """Return what a server would tell the runner."""
    settings, flags = Settings(), request.flags
    return {
        "attempt": facts.run_id,
        "number": 1,
        "run": facts.run_id,
        "project": facts.application_name,
        "job": facts.pipeline,
        "pipeline": facts.pipeline,
        "file_name": str(file),
        "file": text,
        "facts": {
            name: str(value) for name, value in facts._asdict().items() if name not in _OF_BOX
        },
        "public": [
            {"name": each.name, "value": each.value, "expand": each.expand} for each in given.public
        ],
        "hidden": dict(given.hidden),
        "source": "commit",
        "cache": request.working.cache.is_dir(),
        "keep_source": flags["artifacts"],
        "reports": [],
        "settings": {
            "limit": None,
            "log_limit": LOG_LIMIT,
            "artifact_limit": settings.output_limits.size,
            "cache_limit": settings.cache_limits.size,
            "repeatable": True,
            **{
                name: flags[name]
                for name in ("command_timeout", "no_response_timeout")
                if flags[name] is not None
            },
        },
    }
