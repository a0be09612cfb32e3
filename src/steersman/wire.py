"""What the programs say to each other in JSON, between worker, runner and server.

Plain dictionaries with known keys: the server checks them, the others just write them. Times are
seconds since the epoch, durations are seconds.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypeVar

from typing_extensions import TypedDict

from steersman.core.intervals import HEARTBEAT_SECONDS as HEARTBEAT_SECONDS
from steersman.core.intervals import HOLD_SECONDS as HOLD_SECONDS
from steersman.core.intervals import LEASE_WAIT_SECONDS as LEASE_WAIT_SECONDS
from steersman.core.intervals import PIECE as PIECE
from steersman.core.intervals import SHELL_QUIET_SECONDS as SHELL_QUIET_SECONDS

Said = TypeVar("Said")


def strict(said: type[Said]) -> type[Said]:
    """Let whoever checks *said* by pydantic take exactly its keys, exactly typed."""
    config = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
    said.__pydantic_config__ = config  # type: ignore[attr-defined]
    return said


@strict
class WorkerSays(TypedDict):
    """A worker asks for work: at most *take* attempts, waiting at most *wait* seconds for one.

    *holds* are all attempts it knows of: what else is leased to it, it never heard of, and gets.
    *pods*: it makes pods, and wants to be told what each is to hold (`Granted.wanted`).
    """

    worker: str
    pools: list[str]
    capabilities: list[str]
    slots: int
    take: int
    wait: float
    version: NotRequired[str]
    holds: NotRequired[list[str]]
    pods: NotRequired[bool]


class Installation(TypedDict):
    """The *id* of an installation, by which its workers know their pods: what else runs there is
    not theirs to end.
    """

    id: str


class ContainerWanted(TypedDict):
    """The box of a pod, or a service under its alias as *name*.

    *image* names its registry. *env* holds nothing hidden; *secret_env* (services only) are the
    variables that do, for the attempt's Secret: the box's session exports its own. *cmd* is the
    shell of a box and the command of a service. *ports*, such as `6379/tcp`, are what is known
    without a look at the image.
    """

    name: str
    image: str
    env: dict[str, str]
    secret_env: dict[str, str]
    entrypoint: list[str] | None
    cmd: list[str] | None
    user: str | None
    ports: list[str]


class Login(TypedDict):
    """How to log in for images of a repository: *registry* is its host and path.

    `docker.io` alone is the Docker Hub.
    """

    registry: str
    username: str
    password: str


class PodWanted(TypedDict):
    """What the pod of an attempt is to hold, as its pipeline says.

    *resources* are Kubernetes quantities for `cpu`, `memory` and `disk`, where the file names them.
    *avoid* are nodes on which earlier attempts of the job were lost by our fault. *repeatable* is
    False where a second run could do harm, *limit* how many seconds it may run. *labels* name
    project, run, job and pipeline as people know them.
    """

    box: ContainerWanted
    services: list[ContainerWanted]
    logins: list[Login]
    resources: dict[str, str]
    docker: bool
    avoid: list[str]
    repeatable: bool
    limit: float | None
    labels: dict[str, str]


class Granted(TypedDict):
    """An attempt to make a runner for. *adopted*: another worker may have made it already.

    *wanted* is told to those who asked for it, and None for what has no pod: then *refused* says
    why, and the attempt is to be reported as rejected.
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
    wanted: NotRequired[PodWanted | None]
    refused: NotRequired[str]


@strict
class Note(TypedDict):
    """What a worker sees of a pod, for its runner and for people, in one sentence: *text*.

    *kind* is `pulling`, `stuck`, `service-ended`, `box-ended` or `pod-ending`; *container* the
    box, a service's alias or nothing. *reason*, one of `core.reports.Reason`, is there where the
    attempt cannot go on; *permanent*: trying again will not help, it is the user's to mend.
    """

    kind: str
    container: str
    text: str
    reason: NotRequired[str]
    permanent: NotRequired[bool]


@strict
class Held(TypedDict):
    """What a worker holds. *phase*: `preparing` until its runner began, then `running`.

    *notes* are all that stands, also while it runs, and *node* is where; left out, what was said
    before still holds.
    """

    attempt: str
    lease: int
    phase: str
    placed: NotRequired[bool]
    note: NotRequired[str]
    node: NotRequired[str]
    notes: NotRequired[list[Note]]


@strict
class Renewal(TypedDict):
    """A worker renews what it holds; *adopt* names runners it found without a lease of its own.

    *pods* as of `WorkerSays`.
    """

    worker: str
    held: list[Held]
    adopt: list[str]
    pods: NotRequired[bool]


class Renewed(TypedDict):
    """The answer: *stop* is to end (its runner should know), *gone* is over and to be removed.

    *others* are open, but another worker's: let go of the lease and leave the runner alone. It may
    be asked for again later, since its worker may die.
    """

    stop: list[str]
    gone: list[str]
    others: list[str]
    adopted: list[Granted]


@strict
class WorkerReport(TypedDict):
    """A worker's word on one attempt: `lost`, `released` or `rejected`.

    *node* is where it was lost, if it had got that far; *permanent*: it would happen again, and
    is the user's to mend.
    """

    attempt: str
    lease: int
    kind: str
    reason: NotRequired[str]
    message: NotRequired[str]
    node: NotRequired[str]
    permanent: NotRequired[bool]


@strict
class RunnerStarted(TypedDict):
    """A runner is up. *runner* is an id of its own choice; *where* names its machine.

    *node* is that of its pod, which the worker may not have seen yet when all is over.
    """

    runner: str
    where: NotRequired[str]
    node: NotRequired[str]


@strict
class Heartbeat(TypedDict):
    """A runner is there; the answer may wait *wait* seconds for a cancellation.

    With *notes*, the ones it knows, it waits for others too.
    """

    runner: str
    wait: NotRequired[float]
    notes: NotRequired[list[Note]]


class Orders(TypedDict):
    """What a runner is to do: go on, or end because of *cancel*.

    *notes* are all that its worker sees at the moment; without the key nobody watches.
    """

    cancel: str | None
    notes: NotRequired[list[Note]]


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
class LastPiece(TypedDict):
    """The last bytes of a log in base64, where they begin, and when they were sent."""

    offset: int
    at: float
    data: str


@strict
class Record(TypedDict):
    """The completion record: how the attempt ended, and how long its log is.

    *state* is `succeeded`, `failed`, `errored` or `stopped`. *steps* and *log* are what of both
    had not been sent; who told the runner `JobSpec.orders` takes them in.
    """

    runner: str
    state: str
    log_size: int
    reason: NotRequired[str]
    message: NotRequired[str]
    steps: NotRequired[list[StepState]]
    log: NotRequired[LastPiece]


class Variable(TypedDict):
    name: str
    value: str
    expand: NotRequired[bool]


class JobSpec(TypedDict):
    """Everything a runner needs. *file* is the text of the pipeline file, checked already.

    *facts* are the fields of `core.variables.RunFacts`; *source* is `commit` or `output` (of an
    earlier job); *settings* are bounds of the server: sizes in bytes, times in seconds. Among
    them are `repeatable`, False for what is never repeated by us, and `fencing`: after so many
    seconds of silence a runner is given up, and one that is not repeatable has to stop its box.
    *cache*: there is one. *orders* are what a first heartbeat would be answered with; *tree* is
    *file* as `core.nodes.told` tells it, which saves reading it: both may be left out.
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
    orders: NotRequired[Orders]
    tree: NotRequired[list[Any] | None]


class Acknowledged(TypedDict):
    """How much of a log is kept."""

    size: int
