"""The variables of a pipeline, of a step and of the after-steps, in the order of their export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from steersman.core import quoting
from steersman.core.errors import UserError
from steersman.core.manifests import Manifest
from steersman.core.pipelines.model import Step
from steersman.core.steps import Outcome, State

PUBLIC, HIDDEN = "X_", "XXX_"
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Handed on from the calling environment as they are, since old scripts ask for them.
MIRRORED = ("WERCKER_STARTED_BY", "WERCKER_MAIN_PIPELINE_STARTED")


class Command(StrEnum):
    """What a pipeline is run as; it decides between BUILD, CI and DEPLOY."""

    BUILD = "build"
    DEPLOY = "deploy"


class Variable(NamedTuple):
    """A variable to export; with *expand* the shell expands references in its value."""

    name: str
    value: str
    expand: bool = False


class RunFacts(NamedTuple):
    """What is known of a run before it starts. Texts are empty where nothing is known."""

    command: Command
    run_id: str
    pipeline: str
    base_path: str
    source_dir: str = ""
    root: str = ""
    application_id: str = ""
    application_name: str = ""
    application_owner: str = ""
    started_by: str = ""
    git_domain: str = ""
    git_owner: str = ""
    git_repository: str = ""
    git_branch: str = ""
    git_tag: str = ""
    git_commit: str = ""
    git_message: str = ""
    git_author: str = ""
    git_url: str = ""
    deploy_target: str = ""
    workflow: str = ""
    base_url: str = "http://localhost"
    version: str = ""


def facts(
    said: Mapping[str, str], *, run_id: str, pipeline: str, base_path: str | None, root: str = ""
) -> RunFacts:
    """Return the facts that the server *said*, as they are where the box is."""
    rest = dict(said)
    return RunFacts(
        command=Command(rest.pop("command")),
        run_id=run_id,
        pipeline=pipeline,
        base_path=f"{root}{base_path or '/pipeline/source'}",
        root=root,
        **rest,
    )


def of_run(facts: RunFacts) -> Iterator[Variable]:
    """Return the pipeline's own variables: the original's, all true, then the common CI_*."""
    pairs = (*_places(facts), *_identity(facts), *_git(facts), *_common(facts))
    return (Variable(name, value) for name, value in pairs)


def source_folder(facts: RunFacts) -> str:
    """Return the folder in which steps start."""
    below = facts.source_dir.strip("/")
    return f"{facts.base_path}/{below}" if below and below != "." else facts.base_path


def _places(facts: RunFacts) -> Iterator[tuple[str, str]]:
    yield "WERCKER", "true"
    yield "WERCKER_ROOT", facts.base_path
    yield "WERCKER_SOURCE_DIR", source_folder(facts)
    yield "WERCKER_CACHE_DIR", f"{facts.root}/pipeline/cache"
    yield "WERCKER_OUTPUT_DIR", f"{facts.root}/pipeline/output"
    yield "WERCKER_PIPELINE_DIR", f"{facts.root}/pipeline"
    yield "WERCKER_REPORT_DIR", f"{facts.root}/report"
    yield "TERM", "xterm-256color"


def _identity(facts: RunFacts) -> Iterator[tuple[str, str]]:
    url = f"{facts.base_url}/{facts.application_owner}/{facts.application_name}"
    run_url = f"{url}/runs/{facts.pipeline}/{facts.run_id}"
    yield "WERCKER_APPLICATION_ID", facts.application_id
    yield "WERCKER_APPLICATION_NAME", facts.application_name
    yield "WERCKER_APPLICATION_OWNER_NAME", facts.application_owner
    yield "WERCKER_APPLICATION_URL", f"{facts.base_url}/#applications/{facts.application_id}"
    yield "WERCKER_STARTED_BY", facts.started_by
    yield "WERCKER_RUN_ID", facts.run_id
    yield "WERCKER_RUN_URL", run_url
    if facts.command is Command.BUILD:
        yield "BUILD", "true"
    else:
        yield "DEPLOY", "true"
        if facts.deploy_target:
            yield "WERCKER_DEPLOYTARGET_NAME", facts.deploy_target
    yield f"WERCKER_{facts.command.upper()}_ID", facts.run_id
    yield f"WERCKER_{facts.command.upper()}_URL", run_url


def _git(facts: RunFacts) -> Iterator[tuple[str, str]]:
    yield "WERCKER_GIT_DOMAIN", facts.git_domain
    yield "WERCKER_GIT_OWNER", facts.git_owner
    yield "WERCKER_GIT_REPOSITORY", facts.git_repository
    yield "WERCKER_GIT_BRANCH", facts.git_branch
    yield "WERCKER_GIT_TAG", facts.git_tag
    yield "WERCKER_GIT_COMMIT", facts.git_commit


def _common(facts: RunFacts) -> Iterator[tuple[str, str]]:
    """Return the names most CI systems share; those that would be empty are left out."""
    ref = f"refs/tags/{facts.git_tag}" if facts.git_tag else ""
    if not ref and facts.git_branch:
        ref = f"refs/heads/{facts.git_branch}"
    repository = "/".join(filter(None, (facts.git_owner, facts.git_repository)))
    pairs = {
        "CI": "true",
        "CI_SYSTEM_NAME": "steersman",
        "CI_SYSTEM_VERSION": facts.version,
        "CI_WORKSPACE": source_folder(facts),
        "CI_WORKFLOW_NAME": facts.workflow or facts.pipeline,
        "CI_REPO": repository,
        "CI_REPO_URL": facts.git_url,
        "CI_COMMIT_SHA": facts.git_commit,
        "CI_COMMIT_BRANCH": facts.git_branch,
        "CI_COMMIT_TAG": facts.git_tag,
        "CI_COMMIT_REF": ref,
        "CI_COMMIT_MESSAGE": facts.git_message,
        "CI_COMMIT_AUTHOR": facts.git_author,
    }
    return ((name, value) for name, value in pairs.items() if value)


class Given(NamedTuple):
    """What the user gave: public variables in order, and hidden values by name."""

    public: tuple[Variable, ...]
    hidden: Mapping[str, str]


def given(environ: Mapping[str, str], flags: Iterable[tuple[str, str]] = ()) -> Given:
    """Read X_ and XXX_ variables and proxies of *environ*, then those of *flags* (any name).

    A public value is expanded by the shell when it refers to a variable; a hidden one never is.
    """
    public: dict[str, str] = {name: environ[name] for name in MIRRORED if name in environ}
    public |= {name: environ[name] for name in PROXIES if environ.get(name)}
    hidden: dict[str, str] = {}
    prefixed = (
        (name, value) for name, value in environ.items() if name.startswith((PUBLIC, HIDDEN))
    )
    for name, value in (*prefixed, *flags):
        if name.startswith(HIDDEN):
            hidden[_checked(name.removeprefix(HIDDEN), name)] = value
        else:
            public[_checked(name.removeprefix(PUBLIC), name)] = value
    for name, value in (public | hidden).items():
        if "\0" in value:
            raise UserError(f"the value of the variable {name} holds a NUL character")
    values = (Variable(name, value, quoting.refers(value)) for name, value in public.items())
    return Given(tuple(values), hidden)


def _checked(name: str, written: str) -> str:
    if quoting.is_name(name):
        return name
    raise UserError(
        f"{name!r} (given as {written!r}) cannot be the name of a variable",
        hint="a name has letters, digits and underscores, and does not begin with a digit",
    )


class StepVariables(NamedTuple):
    """What to export before a step, and which names to unset after it."""

    exported: tuple[Variable, ...]
    unset_after: tuple[str, ...]


def property_name(step: str, name: str) -> str:
    """Return the variable of a property: `WERCKER_<STEP>_<PROPERTY>`."""
    text = f"WERCKER_{step}_{name}".upper()
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in text)


def step_variables(
    step: Step, manifest: Manifest | None, *, root: str, report: str
) -> StepVariables:
    """Return the variables of a step whose folders in the box are *root* and *report*.

    Properties are exported with their defaults and are unset afterwards, so that a second use of a
    step does not see the values of the first.
    """
    fixed = [
        ("WERCKER_STEP_ROOT", root),
        ("WERCKER_STEP_ID", root.rpartition("/")[2]),
        ("WERCKER_STEP_OWNER", step.owner),
        ("WERCKER_STEP_NAME", step.name),
        ("WERCKER_REPORT_NUMBERS_FILE", f"{report}/numbers.ini"),
        ("WERCKER_REPORT_MESSAGE_FILE", f"{report}/message.txt"),
        ("WERCKER_REPORT_ARTIFACTS_DIR", f"{report}/artifacts"),
        ("CI_STEP_NAME", step.display_name),
    ]
    values = {item.name: item.default for item in manifest.properties} if manifest else {}
    values |= {name: text for name, text in step.properties.items() if name not in ("code", "name")}
    properties = {property_name(step.name, name): value for name, value in values.items()}
    exported = [Variable(name, value) for name, value in fixed]
    exported += [Variable(name, value, quoting.refers(value)) for name, value in properties.items()]
    return StepVariables(tuple(exported), tuple(properties))


def after_step_variables(outcome: Outcome) -> tuple[Variable, ...]:
    """Return what after-steps are told of the main steps."""
    passed = outcome.state is State.SUCCEEDED
    result = [Variable("WERCKER_RESULT", "passed" if passed else "failed")]
    if not passed:
        result += [
            Variable("WERCKER_FAILED_STEP_DISPLAY_NAME", outcome.failed_step or ""),
            Variable("WERCKER_FAILED_STEP_MESSAGE", outcome.message),
        ]
    return tuple(result)
