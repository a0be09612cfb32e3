"""From flags and files to a `Job`: everything a run needs, decided before it begins."""

from __future__ import annotations

import getpass
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from steersman import __version__
from steersman.cli import git_facts
from steersman.cli.working_dir import WorkingDir
from steersman.containers.base import Containers, PullPolicy
from steersman.containers.terminals import Attend
from steersman.core import environment_file, ignores, resources, variables
from steersman.core.errors import UserError
from steersman.core.pipelines.model import Config, Pipeline, Step
from steersman.core.pipelines.pick import target_steps, timeouts
from steersman.core.references import Reference
from steersman.core.variables import Command, RunFacts
from steersman.executor import Job, Settings
from steersman.executor.job import StepToPublish
from steersman.step_store import Registry, StepStore

Flags = Mapping[str, Any]


class Request(NamedTuple):
    """What the user asked for: a pipeline of a file that was read, on a folder, with flags.

    What runs is *source* where that is given: the output of an earlier pipeline, of which nothing
    is left out. *parts* stand in it as folders. *git* is what git says where that is known.
    """

    command: Command
    project: Path
    working: WorkingDir
    config: Config
    pipeline: Pipeline
    flags: Flags
    workflow: str = ""
    source: Path | None = None
    parts: tuple[tuple[str, Path], ...] = ()
    git: git_facts.GitFacts | None = None
    attend: Attend | None = None


def build_job(
    request: Request,
    containers: Containers,
    *,
    environ: Mapping[str, str] = os.environ,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> Job:
    """Build the job of one local run, and its folder."""
    flags, working = request.flags, request.working
    run_id = flags["run_id"] or new_run_id()
    facts = facts_of(request, run_id, containers.root_of(run_id))
    given = given_by(flags, environ)
    return Job(
        run_id=run_id,
        pipeline=request.pipeline,
        steps=_steps(request),
        public=(*variables.of_run(facts), *given.public),
        hidden=given.hidden,
        source=request.source or request.project,
        parts=request.parts,
        attend=request.attend,
        skip=skipped(request) if request.source is None else ignores.Rules().skips,
        base_path=facts.base_path,
        root=facts.root,
        folder=working.new_run(run_id),
        cache=working.cache,
        step_store=StepStore(
            working.steps,
            refresh=flags["refresh_steps"],
            registry=_registry(flags, working.steps),
        ),
        new_id=new_id,
        settings=settings(request.config, request.pipeline, flags)._replace(
            checkpoint=flags.get("checkpoint") or "",
            commit=_commit(flags, facts.git_branch),
            message=flags.get("message") or f"run {run_id} of {facts.pipeline}",
        ),
        publish=_publish,
    )


async def _publish(wanted: StepToPublish) -> str:
    """Publish a step; what that takes is loaded only then."""
    from steersman.cli import publishing

    return await publishing.publish(wanted)


def _registry(flags: Flags, steps: Path) -> Registry | None:
    if not flags.get("step_registry"):
        return None
    # Few runs have one, and what it takes is slow to be imported.
    from steersman.cli import step_registry

    return step_registry.of_flags(flags, steps)


def _steps(request: Request) -> tuple[Step, ...]:
    """Return the steps to run: those of the target, from the checkpoint on."""
    steps = target_steps(request.pipeline, request.flags["deploy_target"])
    if name := request.flags.get("checkpoint"):
        from steersman.core import checkpoints

        return checkpoints.after(steps, name)
    return steps


def new_run_id() -> str:
    """Return 24 hexadecimal digits that sort by time, as the original's did."""
    return f"{int(time.time()):08x}{os.urandom(8).hex()}"


def settings(config: Config, pipeline: Pipeline, flags: Flags) -> Settings:
    """Return how to run: a flag wins over the pipeline, that over the file."""

    limits = timeouts(config, pipeline, flags["command_timeout"], flags["no_response_timeout"])
    return Settings(
        command_timeout=limits.command,
        no_response_timeout=limits.silence,
        service_timeout=flags["service_timeout"],
        pull=PullPolicy.NEVER if flags["docker_local"] else PullPolicy(flags["pull"]),
        artifacts=flags["artifacts"],
        keep_source=flags["artifacts"],
        attended=True,
        direct_mount=flags["direct_mount"],
        expose_ports=flags["expose_ports"],
        enable_volumes=flags["enable_volumes"],
        publish=tuple(flags.get("publish", ())),
        keep=flags["no_remove"],
        dns=tuple(flags["docker_dns"]),
        memory=_memory(pipeline, flags),
        network=flags["docker_network"],
        push=not flags["docker_local"],
    )


def _commit(flags: Flags, branch: str) -> Reference | None:
    if not (name := flags.get("commit")):
        return None
    from steersman.core import checkpoints

    return checkpoints.committed(name, flags.get("tag"), branch)


def _memory(pipeline: Pipeline, flags: Flags) -> int | None:
    if flags["docker_memory"] is not None:
        return int(flags["docker_memory"]) * 1024 * 1024
    return resources.of(pipeline.reserved).memory


def facts_of(request: Request, run_id: str, root: str) -> RunFacts:
    """Return what is known of a run."""
    flags, project, pipeline = request.flags, request.project, request.pipeline
    git = request.git or _git(request)
    user = _user()
    name = flags["application_name"] or project.resolve().name
    return RunFacts(
        command=request.command,
        run_id=run_id,
        pipeline=pipeline.name,
        base_path=f"{root}{pipeline.base_path or '/pipeline/source'}",
        source_dir=flags["source_dir"] or request.config.source_dir or "",
        root=root,
        application_id=flags["application_id"] or name,
        application_name=name,
        application_owner=flags["application_owner_name"] or user,
        started_by=flags["application_started_by_name"] or flags["application_owner_name"] or user,
        git_domain=flags["git_domain"] or git.domain,
        git_owner=flags["git_owner"] or git.owner or user,
        git_repository=flags["git_repository"] or git.repository,
        git_branch=flags["git_branch"] or git.branch,
        git_tag=flags["git_tag"] or git.tag,
        git_commit=flags["git_commit"] or git.commit,
        git_message=git.message,
        git_author=git.author,
        git_url=git.url,
        deploy_target=flags["deploy_target"] or "",
        workflow=request.workflow,
        version=__version__,
    )


def _git(request: Request) -> git_facts.GitFacts:
    """Return what git says of the project; what was fetched lies in the repository of another."""
    if request.working.projects.resolve() in request.project.resolve().parents:
        return git_facts.GitFacts()
    return git_facts.read(request.project)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "wercker"  # what the original said where the system knew no name


def given_by(flags: Flags, environ: Mapping[str, str]) -> variables.Given:
    """Return the variables that the user gave, by environment, file and flags."""
    return variables.given(_calling_environment(flags, environ), _flag_variables(flags["env"]))


def _calling_environment(flags: Flags, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the variables of the ENVIRONMENT file added."""
    named = flags["environment"]
    path = Path(named or "ENVIRONMENT")
    if not path.is_file():
        if named:
            raise UserError(
                f"there is no file {named}", hint="--environment names a file of variables"
            )
        return dict(environ)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: a variable here is not written in UTF-8",
            hint="save the file as UTF-8, or give binary values as base64",
        ) from error
    return dict(environ) | environment_file.parse(text, environ)


def _flag_variables(words: Iterable[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--env {word} has no value", hint="write --env NAME=VALUE")
        pairs.append((name, value))
    return pairs


def skipped(request: Request) -> Callable[[str, bool], bool]:
    """Return which names of the project are not copied: what is ignored, and `.wercker/`."""
    flags, project = request.flags, request.project
    named = flags["ignore_file"] or request.config.ignore_file
    path = project / Path(named or ".werckerignore").expanduser()
    rules = ignores.Rules()
    if path.is_file():
        rules = ignores.parse(path.read_text(encoding="utf-8", errors="surrogateescape"))
    elif flags["ignore_file"]:
        raise UserError(f"there is no ignore file {path}")
    own = _relative(request.working.path, project)
    if own is None:
        return rules.skips
    return lambda name, is_folder: name == own or rules.skips(name, is_folder)


def _relative(path: Path, folder: Path) -> str | None:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None
