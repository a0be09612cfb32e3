"""Every key of the language, once: the reader, the JSON Schema and the documentation follow it.

*shape* is the name of a reader in `shapes.py` (or of a part of the language with its own module).
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """A key. *choices* are the words allowed, *fields* the keys of a map in it."""

    name: str
    shape: str
    about: str
    choices: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    required: bool = False


class InternalStep(NamedTuple):
    """A step that runs outside the box. *words* are the properties that are split like a shell."""

    title: str
    about: str
    fields: tuple[str, ...]
    required: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()


EVENTS = ("push", "tag", "pull-request", "manual", "schedule", "api")

ON = (
    Field("branches", "texts", "patterns of branches; `!` before one excludes"),
    Field("tags", "texts", "patterns of tags; `!` before one excludes"),
    Field("paths", "texts", "patterns of changed files; `!` before one excludes"),
    Field("events", "choices", "kinds of triggers", EVENTS),
)
SCHEDULE = (
    Field("cron", "cron", "when, as five fields, six with seconds, or `@daily`", required=True),
    Field("name", "schedule-name", "by what it is known; the name of what it starts without it"),
    Field("timezone", "timezone", "IANA name of a time zone; UTC without it"),
    Field("branch", "text", "the branch to run; the default branch without it"),
    Field(
        "catch-up", "bounded", "what to do after downtime; `{all: 5}` starts the newest five",
        ("latest", "all", "none"), (Field("all", "count", "how many", required=True),),
    ),
    Field(
        "overlap", "bounded", "when the last run still runs; `{queue: 3}` lets three wait",
        ("allow", "forbid", "replace", "buffer-one", "queue"),
        (Field("queue", "count", "how many", required=True),),
    ),
    Field("group", "text", "schedules of one group count as one for `overlap`"),
    Field("deadline", "duration", "started later than this it is missed: `10m`, `1h30m`"),
    Field("jitter", "duration", "starts by up to so much later, always the same for an instant"),
    Field("attempts", "count", "how often a run is started that its node lost; 3 without it"),
    Field(
        "dst", "fields", "when clocks change: `gap` (`shift`, `skip`), `fold` (`first`, `second`, "
        "`both`)", fields=(
            Field("gap", "choice", "times that do not exist", ("shift", "skip")),
            Field("fold", "choice", "times that exist twice", ("first", "second", "both")),
        ),
    ),
    Field(
        "stop", "fields", "pause after so many `failures` in a row, or `successes` in all", fields=(
            Field("failures", "count", "in a row"),
            Field("successes", "count", "in all"),
        ),
    ),
    Field(
        "alarms", "fields", "when to tell the project's targets of notifications", fields=(
            Field("missed", "boolean", "an instant was missed; true without it"),
            Field("late", "duration", "a start is so much late"),
            Field("running", "duration", "a run takes so long"),
            Field("silent", "duration", "there was no success for so long"),
        ),
    ),
    Field("starts", "moment", "nothing before this time: `2026-12-24T18:00:00Z`"),
    Field("ends", "moment", "nothing after this time"),
)  # fmt: skip
CONCURRENCY = (
    Field("group", "text", "runs of one group wait for each other", required=True),
    Field("cancel-in-progress", "boolean", "cancel the older run instead of waiting"),
)
RESOURCES = (
    Field("cpu", "cpu", "processors: `2`, `0.5` or `500m`"),
    Field("memory", "bytes", "memory: `512Mi`, `2Gi`"),
    Field("disk", "bytes", "room on the disk: `10Gi`"),
)
REPORTS = (Field("junit", "texts", "patterns of JUnit XML files"),)
CACHE = (
    Field("paths", "texts", "folders to keep between runs", required=True),
    Field("key", "text", "name of the cache; another key is another cache"),
)

ON_FIELD = Field("on", "on", "which triggers start it", fields=ON)
APPROVE = Field("approve", "approve", "wait for a person; a list names who may approve")
ALLOW_FAILURE = Field("allow-failure", "boolean", "a failure does not fail the run")
RETRIES = Field("retries", "retries", "how often to try again after a failure, at most 10")

TRIGGERING = (
    ON_FIELD,
    Field("schedules", "schedules", "times at which it starts by itself", fields=SCHEDULE),
    Field("concurrency", "concurrency", "what must not run at the same time", fields=CONCURRENCY),
    Field("priority", "priority", "-100 to 100; higher starts first"),
    APPROVE,
)
# Ours, and reserved: read and checked everywhere, obeyed where the platform can.
PIPELINE_RESERVED = (
    *TRIGGERING,
    RETRIES,
    Field("retry-on-error", "choice", "repeat it when our side broke", ("always", "never")),
    Field("resources", "fields", "what the box may use", fields=RESOURCES),
    Field("pool", "text", "the pool of machines to run on"),
    Field("reports", "fields", "test reports to collect", fields=REPORTS),
    Field("cache", "cache", "what to keep between runs", fields=CACHE),
    Field("matrix", "matrix", "variables and their values; one job for each combination"),
    ALLOW_FAILURE,
)

TIMEOUTS = (
    Field("command-timeout", "minutes", "minutes a step may take"),
    Field("no-response-timeout", "minutes", "minutes a step may be silent"),
)
FILE = (
    Field("box", "box", "the box of every pipeline that names none"),
    Field("services", "boxes", "the services of every pipeline that names none"),
    *TIMEOUTS,
    Field("source-dir", "text", "folder of the source in which steps start"),
    Field("ignore-file", "text", "file whose patterns say what is not copied"),
    Field("workflows", "workflows", "graphs of pipelines"),
)
PIPELINE = (
    Field("box", "box", "the box; replaces that of the file as a whole"),
    Field("services", "boxes", "the services; replace those of the file, `[]` means none"),
    Field("steps", "steps", "what to do, in order"),
    Field("after-steps", "steps", "what to do at the end, whatever happened"),
    Field("base-path", "text", "where the source stands in the box"),
    Field("docker", "boolean", "give the box access to a Docker engine"),
    *TIMEOUTS,
    *PIPELINE_RESERVED,
)

AWS = ("aws-access-key", "aws-secret-key", "aws-region", "aws-registry-id")
AZURE = (
    "azure-client-id", "azure-client-secret", "azure-subscription-id", "azure-tenant-id",
    "azure-resource-group", "azure-registry-name", "azure-login-server",
)  # fmt: skip
BOX = (
    Field("id", "text", "the image: `name`, `name:tag`, `host:port/name@sha256:...`"),
    Field("name", "text", "host name of the service; the last part of the image without it"),
    Field("tag", "text", "the tag; overrides the one in `id`"),
    Field("cmd", "words", "the shell of a box, the command of a service"),
    Field("entrypoint", "words", "replaces the image's entrypoint"),
    Field("env", "env", "variables of the container"),
    Field("ports", "ports", "ports: `8000`, `8001:8000`, `127.0.0.1:8001:8000/udp`"),
    Field("volumes", "joined", "folders, `host:box` or one path for both"),
    Field("user", "text", "the user of the box: a name, or a number with `:group`"),
    Field("url", "text", "`file://DIR#PIPELINE`: a service built from another project"),
    Field("username", "text", "login at the registry"),
    Field("password", "text", "password at the registry"),
    Field("registry", "text", "address of the registry"),
    *(Field(name, "text", "login at Amazon's registry; all four together") for name in AWS),
    Field("aws-strict-auth", "boolean", "accepted for old files; means nothing"),
    *(Field(name, "text", "login at Azure's registry; all seven together") for name in AZURE),
)
STEP = (
    Field("name", "text", "how the step is shown"),
    Field("cwd", "text", "folder to run in"),
    Field("checkpoint", "text", "name under which the box is kept after the step"),
)
WORKFLOW_PIPELINE = (
    Field("name", "text", "its name in the workflow", required=True),
    Field("pipelineName", "text", "the pipeline to run; `name` without it"),
    Field("requires", "texts", "names of this workflow that must succeed first"),
    Field("artifactPipeline", "text", "the one of `requires` whose output is the source"),
    Field("envFile", "text", "file of variables"),
    ON_FIELD,
    APPROVE,
    RETRIES,
    ALLOW_FAILURE,
)
WORKFLOW = (
    Field("name", "text", "the workflow's name", required=True),
    Field("pipelines", "workflow-pipelines", "its pipelines", (), WORKFLOW_PIPELINE, required=True),
    *TRIGGERING,
)

_LOGIN = ("username", "password", "registry")
_PUSH = (
    "repository", "tag", *_LOGIN, "email", *AWS, "aws-strict-auth", *AZURE, "image-name", "cmd",
    "entrypoint", "env", "labels", "ports", "volumes", "working-dir", "user", "stopsignal",
    "author", "message", "auth-server", "disable-sync",
)  # fmt: skip
_PUSH_WORDS = frozenset({"cmd", "entrypoint", "env", "labels"})
INTERNAL = {
    "internal/docker-push": InternalStep(
        "docker push", "push the box as an image", _PUSH, ("repository",), _PUSH_WORDS
    ),
    "internal/docker-scratch-push": InternalStep(
        "docker scratch'n'push", "push the output as an image", _PUSH, ("repository",), _PUSH_WORDS
    ),
    "internal/docker-build": InternalStep(
        "docker build",
        "build an image from a Dockerfile",
        (
            "image-name", "context", "dockerfile", "build-args", "labels", "extra-hosts",
            "no-cache", "q", "squash", "registry-auth-config", "disable-sync",
        ),
        ("image-name",),
        frozenset({"build-args", "labels", "extra-hosts"}),
    ),
    "internal/docker-run": InternalStep(
        "docker run",
        "start a container beside the box",
        (
            "name", "image", "cmd", "entrypoint", "env", "ports", "working-dir", *_LOGIN, "user",
            "disable-sync",
        ),
        ("name", "image"),
        frozenset({"cmd", "entrypoint", "env", "ports"}),
    ),
    "internal/docker-kill": InternalStep(
        "docker kill", "end a container of docker-run", ("name",), ("name",)
    ),
    "internal/store-container": InternalStep("store container", "keep the box as an image", ()),
    "internal/publish-step": InternalStep(
        "publish-step",
        "publish a step",
        ("owner", "endpoint", "auth-token", "path", "private", "disable-sync"),
    ),
    "internal/watch": InternalStep("watch", "run code when files change", ("code", "reload")),
    "internal/shell": InternalStep(
        "shell", "open a shell in the box", ("code", "cmd"), (), frozenset({"cmd"})
    ),
}  # fmt: skip
# Their `name` is the container's, not the one shown.
NAMED_CONTAINERS = frozenset({"internal/docker-run", "internal/docker-kill"})
