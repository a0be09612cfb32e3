"""What a runner is given for its attempt: all scopes are derived here, from the attempt alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi.responses import Response
from sqlalchemy import Text, and_, bindparam, select

from steersman import __version__, pipeline_file, wire
from steersman.core import handing_over, remotes, retries, secret_scopes
from steersman.core.errors import NotFound
from steersman.core.pipelines.model import Config, Pipeline
from steersman.core.variables import Command
from steersman.server import outputs, placing
from steersman.server.downloads import primed
from steersman.server.outputs import Output
from steersman.server.platform import Platform
from steersman.server.sources import FETCHABLE
from steersman.server.streaming import Streamed
from steersman.store import keeping, published
from steersman.store.base import Asked, Row, Transaction
from steersman.store.prepared import Prepared
from steersman.store.runs import StoredRun
from steersman.store.tables import attempts, jobs, pipeline_files, projects, runs
from steersman.store.tables import secrets as secret_table

_WANTED = bindparam("attempt", type_=Text())
_OF_RUN = select(attempts.c.run_id).where(attempts.c.id == _WANTED).scalar_subquery()
_OF_PROJECT = select(attempts.c.project_id).where(attempts.c.id == _WANTED).scalar_subquery()
_ROWS = (
    Prepared(select(attempts).where(attempts.c.id == _WANTED)),
    Prepared(select(runs).where(runs.c.id == _OF_RUN)),
    Prepared(
        select(jobs)
        .join(attempts, and_(attempts.c.run_id == jobs.c.run_id, attempts.c.job == jobs.c.name))
        .where(attempts.c.id == _WANTED)
    ),
)
_ABOUT = (
    Prepared(select(projects).where(projects.c.id == _OF_PROJECT)),
    Prepared(
        select(pipeline_files.c.content)
        .join(runs, runs.c.file_digest == pipeline_files.c.digest)
        .where(runs.c.id == _OF_RUN)
    ),
)
_SECRETS = Prepared(select(secret_table).where(secret_table.c.project_id == _OF_PROJECT))


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
    wanted = {"attempt": attempt}
    return _context(attempt, tx.ask(*((each, wanted) for each in (*_ROWS, *_ABOUT))))


def _context(attempt: str, found: list[list[Row]]) -> Context:
    row, run, job, project, file = (next(iter(rows), None) for rows in found)
    if row is None or run is None or job is None or project is None:
        raise NotFound(f"there is no attempt {attempt}")
    return Context(row, run, job, project, file["content"] if file else "")


async def context(parts: Platform, attempt: str) -> Context:
    """Return what an attempt belongs to."""
    return await parts.store.read(lambda tx: load(tx, attempt))


@lru_cache(maxsize=64)
def parsed(text: str, name: str) -> Config:
    """Return what a file says; the jobs of a run, and the next run, have the same one."""
    return pipeline_file.parse(text, name).checked()


@lru_cache(maxsize=64)
def tree(text: str, name: str) -> list[Any] | None:
    """Return what saves a runner the reading of a file."""
    return pipeline_file.tree(text, name)


class Order(NamedTuple):
    """The rows from which a runner's spec is made; its job begins with *given*, or the commit.

    *cached*: there is a cache for it.
    """

    found: Context
    sealed: list[Row]
    given: tuple[Output, ...]
    cached: bool


def beside(attempt: str) -> list[Asked]:
    """Return what `order` wants to have been asked for together with the run of *attempt*."""
    return [(each, {"attempt": attempt}) for each in (*_ABOUT, _SECRETS)]


def order(tx: Transaction, attempt: str, stored: StoredRun | None = None) -> Order:
    """Return all that says what the runner of *attempt* is to do.

    Its run may be *stored* already, with what there is `beside`.
    """
    if stored is not None:
        row = stored.attempts[attempt]
        *about, sealed = stored.beside
        rows = [[row], [stored.row], [stored.jobs[row["job"]]], *about]
    else:
        own = [(each, {"attempt": attempt}) for each in _ROWS]
        *rows, sealed = tx.ask(*own, *beside(attempt))
    found = _context(attempt, rows)
    cached = keeping.has_cache(tx, found.project["id"], _scopes(found), cache_name(found))
    return Order(found, sealed, outputs.given(tx, found.job), cached)


def spec(parts: Platform, what: Order) -> wire.JobSpec:
    """Return everything a runner needs, its secrets included."""
    found, sealed, given, cached = what
    config = parsed(found.file, found.run["file"])
    pipeline = config.pipelines[found.job["pipeline"]]
    return build_spec(parts, found, config, hidden(parts, found, sealed)) | {
        "source": "output" if given else "commit",
        "cache": cached,
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
    return tx.all(_SECRETS, {"attempt": found.attempt["id"]})


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
    return job in handing_over.givers(chosen.pipelines)


def _patterns(pipeline: Pipeline) -> list[str]:
    said = pipeline.reserved.get("reports")
    return [str(each) for each in said.get("junit", ())] if isinstance(said, dict) else []


async def source(parts: Platform, attempt: str) -> AsyncIterator[bytes]:
    """Return the source of an attempt, an archive: what earlier jobs left, or the commit."""
    found = await context(parts, attempt)
    given = await parts.store.read(lambda tx: outputs.given(tx, found.job))
    if given:
        return await outputs.source(parts.blobs, given)
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
    name, scopes = cache_name(found), _scopes(found)
    row = await parts.store.write(lambda tx: keeping.cache(tx, found.project["id"], scopes, name))
    return None if row is None else str(row["blob"])


def _scopes(found: Context) -> tuple[str, str]:
    """Return whose caches the attempt may read: its own, then that of the default branch."""
    return found.scope, f"branch/{found.project['default_branch'] or 'main'}"


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
