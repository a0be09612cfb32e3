"""The contract of the `containers` door: where a box and its services run.

The life of a run at this door, in order:

1. `require()` says whether the door answers at all (with a deadline).
2. `image()` makes the image present, by the pull policy, and tells what it holds.
3. `start_service()` for each service, then `wait_ready()` for each.
4. `create_box()` makes the box; `Box.put()` fills it; `Box.start()` starts its session.
5. `Box.fetch()` brings output, cache and reports home while or after steps ran.
6. `remove()` removes everything the run made. It may be called at any time, more than once, and
   after a crash by another process: everything is found by its run id, nothing by memory.

Errors are `Unavailable` (try again), `Refused` (it said no) or `UserError` (the file asks for
something impossible here), never an exception of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from steersman.core.errors import Refused, Unavailable
from steersman.core.ports import PortBinding as PortBinding
from steersman.sessions.base import Transport
from steersman.trees import Collected, Entry, Limits


class CannotRun(Unavailable):
    """What runs containers says that this box cannot run. *reason*: a `core.reasons.Reason`."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class ServiceEnded(Refused):
    """A service ended before it answered. *reason*: a `core.reasons.Reason`, which says whose."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class PullPolicy(StrEnum):
    MISSING = "missing"
    ALWAYS = "always"
    NEVER = "never"


class Capability(StrEnum):
    """What a door may be able to do; a pipeline that needs what is lacking is refused in words."""

    IMAGES = "images"
    SERVICES = "services"
    PORTS = "ports"
    VOLUMES = "volumes"
    COMMIT = "commit"
    PRIVILEGED = "privileged"


class Login(NamedTuple):
    """Credentials for the registry an image comes from."""

    username: str
    password: str
    registry: str | None = None


class Image(NamedTuple):
    """What an image says of itself. *ports* are texts such as `6379/tcp`."""

    name: str
    user: str = ""
    env: Mapping[str, str] = MappingProxyType({})
    ports: tuple[str, ...] = ()
    has_healthcheck: bool = False


class Mount(NamedTuple):
    """A folder of this machine seen in a container (`--direct-mount`, `--enable-volumes`).

    A *source* without a `/` is a volume of the engine.
    """

    source: str
    target: str
    read_only: bool = False


class BoxSpec(NamedTuple):
    """A box to create.

    *shell* is the command the file gave as `cmd` (None: bash where there is one, else sh).
    *entrypoint* None clears the image's own. *root* is where /pipeline stands in the box and is
    what `WERCKER_PIPELINE_DIR` says; a door without a file system of its own moves it. *kept* says
    that it will become an image: then nothing of ours may stand in its settings.
    """

    run_id: str
    image: Image
    networked: bool = False
    shell: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    user: str | None = None
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    privileged: bool = False
    dns: tuple[str, ...] = ()
    memory: int | None = None
    network: str | None = None
    kept: bool = False


class ServiceSpec(NamedTuple):
    """A service to start. *alias* is its host name for the box."""

    run_id: str
    alias: str
    image: Image
    cmd: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    memory: int | None = None
    network: str | None = None
    user: str | None = None
    working_dir: str | None = None


class Service(NamedTuple):
    """A service that was started. *env* is its whole environment, *ports* as of `Image.ports`."""

    alias: str
    container: str
    address: str
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})


class Upload(NamedTuple):
    """Entries to put below *target*, an absolute path in the box; missing parents are made.

    Afterwards everything below *target* belongs to the user the box runs as.
    """

    target: str
    entries: Sequence[Entry]


class Lost(NamedTuple):
    """Why a box is gone: a sentence, and a `core.reasons.Reason` where one is known."""

    text: str
    reason: str = ""


class Leftover(NamedTuple):
    """Something a run made. *owner* says which process on which machine made it."""

    run_id: str
    owner: str
    kind: str
    id: str


class Box(Protocol):
    """A box that was created."""

    async def put(self, uploads: Sequence[Upload]) -> None:
        """Fill the box, before or after it was started."""

    def spelled(self, uploads: Sequence[Upload]) -> str | None:
        """Return shell text that does what `put` would, for the session to run first.

        None where `put` is to be used: it always can be.
        """

    async def start(self) -> Transport:
        """Start the session script in the box and return the way to talk to it."""

    async def fetch(self, path: str, into: Path, limits: Limits) -> Collected:
        """Copy what is below the folder *path* of the box to *into*, which does not exist yet.

        A folder that is missing gives an empty result and no *into*. Takes only regular files,
        folders and links (as links); whatever else stands there is left and named in the result.
        """


class Containers(Protocol):
    """Where boxes and services run."""

    name: str
    capabilities: frozenset[Capability]

    def root_of(self, run_id: str) -> str:
        """Return what stands for `/` before `/pipeline` and `/report`: "" but on the host."""

    def inner_engine(self, run_id: str) -> tuple[tuple[Mount, ...], Mapping[str, str]]:
        """Return the mounts and variables by which a box with `docker: true` reaches the engine."""

    async def require(self) -> None:
        """Raise `Unavailable`, saying what to do, unless the door answers within its deadline."""

    async def image(
        self,
        name: str,
        *,
        pull: PullPolicy,
        login: Login | None = None,
        tell: Callable[[str], None] = ...,
    ) -> Image:
        """Make the image *name* present and describe it; *tell* hears of a pull's progress."""

    async def start_service(self, spec: ServiceSpec) -> Service:
        """Start a service; it may not answer yet."""

    async def wait_ready(self, service: Service, seconds: float) -> None:
        """Wait until the service answers; `Refused` with the end of its log when it does not."""

    async def service_log(self, service: Service, lines: int = 40) -> str:
        """Return the end of what the service printed."""

    async def create_box(self, spec: BoxSpec) -> Box:
        """Create the box without starting it."""

    async def remove(self, run_id: str) -> None:
        """Remove all that belongs to the run; removing what is gone is success."""

    async def leftovers(self) -> Sequence[Leftover]:
        """List what Steersman made at this door and still stands."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Taking(Protocol):
    """A box that takes over by itself what was put for it, once its session is open."""

    @property
    def environment(self) -> str:
        """Return the shell text that sets the variables of the box in each of its shells."""

    def taking(self, uploads: Sequence[Upload]) -> str:
        """Return the shell text by which the box takes over what was put."""

    def taken(self) -> None:
        """Hear that it has taken it over."""


@runtime_checkable
class Sharing(Protocol):
    """A box whose files must be made readable for us, by itself, before they are fetched."""

    def sharing(self, path: str) -> str:
        """Return shell text for the box that lets us read what is below *path*."""


@runtime_checkable
class Explaining(Protocol):
    """A door that may learn why a box is gone."""

    async def lost(self) -> Lost | None:
        """Say why the box is gone; None where nobody knows within its time."""
