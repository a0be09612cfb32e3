"""What the programs say to each other in JSON, between worker, runner and server.

Plain dictionaries with known keys: the server checks them, the others just write them. Times are
seconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypeVar

from typing_extensions import TypedDict

Said = TypeVar("Said")


def strict(said: type[Said]) -> type[Said]:
    """Let whoever checks *said* by pydantic take exactly its keys, exactly typed."""
    config = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
    said.__pydantic_config__ = config  # type: ignore[attr-defined]
    return said


HEARTBEAT_SECONDS = 5.0
HOLD_SECONDS = (60, 2 * 3600)
"""The shortest and the longest a box is held; the longest also with somebody in it."""
SHELL_QUIET_SECONDS = 15.0
"""After so much silence a byte of no meaning is sent: proxies close what says nothing."""
LEASE_WAIT_SECONDS = 20.0
PIECE = 1024 * 1024
"""The most bytes of a log in one request."""


@strict
class WorkerSays(TypedDict):
    """A worker asks for work: at most *take* attempts, waiting at most *wait* seconds for one.

    *holds* are all attempts it knows of: what else is leased to it, it never heard of, and gets.
    """

    worker: str
    pools: list[str]
    capabilities: list[str]
    slots: int
    take: int
    wait: float
    version: NotRequired[str]
    holds: NotRequired[list[str]]


class Granted(TypedDict):
    """An attempt to make a runner for. *adopted*: another worker may have made it already.

    *repeatable* is False where a second run could do harm; *limit* as of the attempt.
    """

    attempt: str
    lease: int
    token: str
    project: str
    run: str
    job: str
    number: int
    pool: str
    adopted: bool
    cancelled: bool


@strict
class Held(TypedDict):
    """What a worker holds. *phase*: `preparing` until its runner began, then `running`."""

    attempt: str
    lease: int
    phase: str
    placed: NotRequired[bool]
    note: NotRequired[str]


@strict
class Renewal(TypedDict):
    """A worker renews what it holds; *adopt* names runners it found without a lease of its own."""

    worker: str
    held: list[Held]
    adopt: list[str]


class Renewed(TypedDict):
    """The answer: *stop* is to end (its runner should know), *gone* is over and to be removed."""

    stop: list[str]
    gone: list[str]
    adopted: list[Granted]


@strict
class WorkerReport(TypedDict):
    """A worker's word on one attempt: `lost`, `released` or `rejected`."""

    attempt: str
    lease: int
    kind: str
    reason: NotRequired[str]
    message: NotRequired[str]


@strict
class RunnerStarted(TypedDict):
    """A runner is up. *runner* is an id of its own choice; *where* names its machine."""

    runner: str
    where: NotRequired[str]


@strict
class Heartbeat(TypedDict):
    """A runner is there; the answer may wait *wait* seconds for a cancellation."""

    runner: str
    wait: NotRequired[float]


class Orders(TypedDict):
    """What a runner is to do: go on, or end because of *cancel*."""

    cancel: str | None
    note: NotRequired[str]


@strict
class Holding(TypedDict):
    """A runner holds the box of a job that failed; the answer may wait for who wants in."""

    runner: str
    wait: NotRequired[float]


class WantedShell(TypedDict):
    """A shell somebody wants in the box, None where nobody does, and the size of its terminal."""

    shell: str | None
    columns: int
    rows: int


class Typed(TypedDict):
    """A line of what goes to a shell: bytes in base64, or the new size of the terminal.

    An empty line keeps the connection.
    """

    data: NotRequired[str]
    size: NotRequired[list[int]]


@strict
class StepState(TypedDict):
    """One step as it stands. Said again with the same number it replaces what was said."""

    number: int
    name: str
    phase: str
    state: str
    began: float
    log_start: int
    seconds: NotRequired[float | None]
    exit_code: NotRequired[int | None]
    message: NotRequired[str]
    log_stop: NotRequired[int | None]
    memory: NotRequired[int | None]
    cpu: NotRequired[float | None]


@strict
class Steps(TypedDict):
    """The steps of which something changed."""

    runner: str
    steps: list[StepState]


@strict
class Record(TypedDict):
    """The completion record: how the attempt ended, and how long its log is.

    *state* is `succeeded`, `failed`, `errored` or `stopped`.
    """

    runner: str
    state: str
    log_size: int
    reason: NotRequired[str]
    message: NotRequired[str]


class Variable(TypedDict):
    name: str
    value: str
    expand: NotRequired[bool]


class JobSpec(TypedDict):
    """Everything a runner needs. *file* is the text of the pipeline file, checked already.

    *facts* are the fields of `core.variables.RunFacts`; *source* is `commit` or `output` (of an
    earlier job); *settings* are bounds of the server: sizes in bytes, times in seconds.
    """

    attempt: str
    number: int
    run: str
    project: str
    job: str
    pipeline: str
    file_name: str
    file: str
    facts: dict[str, str]
    public: list[Variable]
    hidden: dict[str, str]
    source: str
    cache: bool
    keep_source: bool
    reports: list[str]
    settings: dict[str, Any]


class Acknowledged(TypedDict):
    """How much of a log is kept."""

    size: int
