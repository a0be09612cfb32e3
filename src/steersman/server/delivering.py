"""What a runner is given for its attempt: all scopes are derived here, from the attempt alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi.responses import Response
from sqlalchemy import bindparam, select

from steersman import __version__, pipeline_file, wire
from steersman.core import remotes, retries, secret_scopes
from steersman.core.errors import NotFound, UserError
from steersman.core.pipelines.model import Config, Pipeline
from steersman.core.variables import Command
from steersman.server import placing
from steersman.server.downloads import primed
from steersman.server.platform import Platform
from steersman.server.sources import FETCHABLE
from steersman.server.streaming import Streamed
from steersman.store import attempts as attempt_rows
from steersman.store import keeping, projects, published
from steersman.store.base import Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.tables import jobs, runs
from steersman.store.tables import secrets as secret_table

_RUN = Prepared(select(runs).where(runs.c.id == bindparam("identity")))
_JOB = Prepared(
    select(jobs).where(jobs.c.run_id == bindparam("run_id"), jobs.c.name == bindparam("name"))
)
_SECRETS = Prepared(
    select(secret_table).where(secret_table.c.project_id == bindparam("project_id"))
)


class Context(NamedTuple):
    """The rows an attempt belongs to, and the text of its file."""

    attempt: Row
    run: Row
    job: Row
    project: Row
    file: str

    @property
    def fork(self) -> bool:
        return bool((self.run["cause"] or {}).get("fork"))

    @property
    def scope(self) -> str:
        """Return whose cache the attempt writes: no stranger ever writes what a branch reads."""
        cause = self.run["cause"] or {}
        if self.fork:
            return f"fork/{cause.get('number') or self.run['id']}"
        if cause.get("kind") == "pull-request":
            return f"branch/{cause.get('source_branch') or self.run['branch']}"
        return f"branch/{self.run['branch']}"


def load(tx: Transaction, attempt: str) -> Context:
    """Return what an attempt belongs to."""
    row = attempt_rows.load(tx, attempt)
    if row is None:
        raise NotFound(f"there is no attempt {attempt}")
    run = tx.one(_RUN, {"identity": row["run_id"]})
    job = tx.one(_JOB, {"run_id": row["run_id"], "name": row["job"]})
    project = projects.by_id(tx, row["project_id"])
    if run is None or job is None or project is None:
        raise NotFound(f"there is no attempt {attempt}")
    return Context(row, run, job, project, projects.file(tx, run["file_digest"]))


async def context(parts: Platform, attempt: str) -> Context:
    """Return what an attempt belongs to."""
    return await parts.store.read(lambda tx: load(tx, attempt))


@lru_cache(maxsize=64)
def parsed(text: str, name: str) -> Config:
    """Return what a file says; the jobs of a run, and the next run, have the same one."""
    return pipeline_file.parse(text, name).checked()


async def spec(parts: Platform, attempt: str) -> wire.JobSpec:
    """Return everything the runner of *attempt* needs, its secrets included."""

    def look(tx: Transaction) -> tuple[Context, list[Row], Row | None]:
        found = load(tx, attempt)
        return found, secrets(tx, found), _output(tx, found)

    found, sealed, output = await parts.store.read(look)
    config = parsed(found.file, found.run["file"])
    pipeline = config.pipelines[found.job["pipeline"]]
    return build_spec(parts, found, config, hidden(parts, found, sealed)) | {
        "source": "output" if output is not None else "commit",
        "reports": _patterns(pipeline),
    }


def build_spec(
    parts: Platform, found: Context, config: Config, hidden: dict[str, str]
) -> wire.JobSpec:
    """Return the spec but for what depends on other jobs."""
    run, job, cause = found.run, found.job, found.run["cause"] or {}
    variables = cause.get("variables") or {}
    return {
        "attempt": found.attempt["id"],
        "number": found.attempt["number"],
        "run": run["id"],
        "project": found.project["name"],
        "job": job["name"],
        "pipeline": job["pipeline"],
        "file_name": run["file"],
        "file": found.file,
        "facts": facts(parts, found, config),
        "public": [{"name": name, "value": str(value)} for name, value in variables.items()],
        "hidden": hidden,
        "source": "commit",
        "cache": True,
        "keep_source": _is_needed(config, run["name"], job["name"]),
        "reports": [],
        "settings": {
            "limit": found.attempt["limit"],
            "log_limit": parts.settings.log_limit,
            "artifact_limit": parts.settings.artifact_limit,
            "cache_limit": parts.settings.cache_limit,
            "submodules": bool((found.project["settings"] or {}).get("submodules")),
            "repeatable": retries.policy(config.pipelines[job["pipeline"]]).repeat_errors,
            "fencing": parts.queue.rules.deadlines.silence,
            **_hold(found),
        },
    }


def _hold(found: Context) -> dict[str, Any]:
    """Say for how long the box is held should the job fail, and how people name the run."""
    seconds = (found.run["cause"] or {}).get("hold")
    called = f"{found.project['name']}/{found.run['number']}"
    return {"hold": seconds, "called": called} if seconds else {}


def facts(parts: Platform, found: Context, config: Config) -> dict[str, str]:
    """Return what is known of the run: `wire.JobSpec.facts`."""
    run, project, cause = found.run, found.project, found.run["cause"] or {}
    pipeline = config.pipelines[found.job["pipeline"]]
    domain, owner, repository = remotes.parts(project["repository"])
    command = Command.DEPLOY if retries.deploys(pipeline) else Command.BUILD
    return {
        "command": command,
        "application_id": project["id"],
        "application_name": project["name"],
        "application_owner": owner or "steersman",
        "started_by": cause.get("author") or "",
        "git_domain": domain,
        "git_owner": owner,
        "git_repository": repository or project["name"],
        "git_branch": run["branch"],
        "git_tag": cause.get("tag") or "",
        "git_commit": run["commit"],
        "git_message": cause.get("message") or "",
        "git_author": cause.get("commit_author") or "",
        "git_url": remotes.shown(project["repository"]),
        "deploy_target": cause.get("deploy_target") or "",
        "workflow": run["name"],
        "base_url": parts.settings.url,
        "source_dir": config.source_dir or "",
        "version": __version__,
    }


def secrets(tx: Transaction, found: Context) -> list[Row]:
    """Return all secrets of the project, sealed."""
    return tx.all(_SECRETS, {"project_id": found.project["id"]})


def hidden(parts: Platform, found: Context, rows: list[Row]) -> dict[str, str]:
    """Open the secrets that go to this job, and no others."""
    cause = found.run["cause"] or {}
    by_id = {row["id"]: row for row in rows}
    scoped = [
        secret_scopes.Secret(
            name=row["name"],
            pipelines=tuple(row["pipelines"] or ()),
            branches=tuple(row["branches"] or ()),
            events=tuple(row["events"] or ()),
            id=row["id"],
        )
        for row in rows
    ]
    going = secret_scopes.delivered(
        scoped,
        pipeline=found.job["pipeline"],
        branch=found.run["branch"],
        event=cause.get("kind") or "",
        fork=found.fork,
    )
    project = found.project["id"]
    return {
        each.name: parts.keyring.open(project, each.name, by_id[each.id]["sealed"]).decode()
        for each in going
    }


def _is_needed(config: Config, workflow: str, job: str) -> bool:
    """Tell whether another job of the run begins with what this one leaves."""
    chosen = next((each for each in config.workflows if each.name == workflow), None)
    if chosen is None:
        return False
    return any(placing.source_of(entry) == job for entry in chosen.pipelines)


def _patterns(pipeline: Pipeline) -> list[str]:
    said = pipeline.reserved.get("reports")
    return [str(each) for each in said.get("junit", ())] if isinstance(said, dict) else []


def _output(tx: Transaction, found: Context) -> Row | None:
    """Return the output the job begins with; None where that is the commit."""
    wanted = found.job["facts"].get("source")
    if not wanted:
        return None
    output = keeping.output(tx, found.run["id"], wanted)
    if output is None and keeping.succeeded(tx, found.run["id"], wanted):
        raise UserError(
            f"the output of {wanted}, with which {found.job['name']} begins, was not kept",
            hint="rerun the whole run",
        )
    return output


async def source(parts: Platform, attempt: str) -> AsyncIterator[bytes]:
    """Return the source of an attempt, an archive: an earlier job's output, or the commit."""
    found = await context(parts, attempt)
    output = await parts.store.read(lambda tx: _output(tx, found))
    if output is not None:
        return parts.blobs.get(output["blob"])
    await _bring(parts, found)
    archive = parts.mirrors.archive(
        found.project["id"],
        found.run["commit"],
        submodules=bool((found.project["settings"] or {}).get("submodules")),
        lfs=bool((found.project["settings"] or {}).get("lfs")),
        credentials=placing.credentials(parts.keyring, found.project),
    )
    return await primed(archive)


async def _bring(parts: Platform, found: Context) -> None:
    """Fetch the commit where another server has planned the run, and this one never saw it."""
    project, commit = found.project, found.run["commit"]
    if await parts.mirrors.has(project["id"], commit):
        return
    ref = str((found.run["cause"] or {}).get("ref") or "")
    await parts.mirrors.fetch(
        project["id"],
        project["repository"],
        credentials=placing.credentials(parts.keyring, project),
        refs=[ref] if ref.startswith(FETCHABLE) else None,
    )


async def cache(parts: Platform, attempt: str) -> str | None:
    """Return where the attempt's cache is: of its own scope, or else of the default branch."""
    found = await context(parts, attempt)
    default = f"branch/{found.project['default_branch'] or 'main'}"
    name = cache_name(found)
    scopes = (found.scope, default)
    row = await parts.store.write(lambda tx: keeping.cache(tx, found.project["id"], scopes, name))
    return None if row is None else str(row["blob"])


def cache_name(found: Context) -> str:
    return str(found.job["pipeline"])


async def step(parts: Platform, owner: str, name: str, version: str) -> Response:
    """Return the archive of a published step."""
    row = await parts.store.read(lambda tx: published.find(tx, owner, name, version))
    if row is None:
        asked = f"{owner[:100]}/{name[:100]} {version[:100]}"
        raise NotFound(f"no step {asked} is published here")
    headers = {"X-Step-Version": row["version"], "ETag": f'"{row["sha256"]}"'}
    return Streamed(parts.blobs.get(row["blob"]), media_type="application/x-tar", headers=headers)
