"""What our two containers of a pod run: `python -m steersman.cli.pod_runner prepare`, then `run`.

Everything they are told stands in the order that is mounted; nothing is written outside of the
volumes, and nobody is waited for who should read what we print.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from steersman import __version__
from steersman.client import Client
from steersman.cluster import folders
from steersman.cluster.base import RunnerSpec
from steersman.containers.base import Upload
from steersman.containers.pod import filling
from steersman.containers.pod.door import PodContainers
from steersman.containers.pod.notes import Note, Notes
from steersman.core.errors import SteersmanError
from steersman.core.reports import Reason
from steersman.runner import phases
from steersman.runner.jobs import Allowed, Places
from steersman.runner.program import Ending, Runner
from steersman.wire import Note as Said

SAID = ("pulling", "stuck", "service-ended")
"""The kinds of notes that people are told as they come."""
ENDS = "pod-ending"
BROKEN = 70
log = logging.getLogger("steersman.runner")


class Volumes(NamedTuple):
    """Where the volumes of the pod are mounted."""

    top: Path = Path("/steersman")
    termination: Path = Path("/dev/termination-log")

    @property
    def session(self) -> Path:
        return self.top / "session"

    @property
    def work(self) -> Path:
        return self.top / "work"

    @property
    def spool(self) -> Path:
        return self.top / "spool"

    @property
    def fetched(self) -> Path:
        return self.work / "fetched"

    def identity(self) -> str:
        """Return the id of the runner: the same for whoever is started here."""
        path = self.spool / "runner"
        with suppress(FileExistsError), path.open("x") as file:
            file.write(os.urandom(8).hex())
        return path.read_text() or os.urandom(8).hex()


class Parts:
    """One process of a pod's runner."""

    def __init__(self, volumes: Volumes, spec: RunnerSpec) -> None:
        self.volumes = volumes
        self.spec = spec
        self.notes = Notes()
        self._told: set[tuple[str, str]] = set()

    def runner(self, client: Client, places: Places) -> Runner:
        """Return a runner that ends when we are told to."""
        runner = Runner(client, places, Allowed(), self.choose)
        runner.reporter.runner = self.volumes.identity()
        runner.why_signalled = self.why_signalled
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runner.signal, "the pod of the job was told to end")
        return runner

    def choose(self) -> PodContainers:
        """Open the door to the other containers."""
        services: Sequence[dict[str, Any]] = (self.spec.wanted or {}).get("services", ())
        return PodContainers(
            self.notes,
            session=self.volumes.session,
            work=self.volumes.work,
            ports={each["name"]: each["ports"] for each in services},
            docker=bool((self.spec.wanted or {}).get("docker")),
        )

    def fill(self, uploads: Sequence[Upload]) -> None:
        """Fill the box's volume, and make its session."""
        filling.make_session(self.volumes.session)
        filling.fill(uploads, self.volumes.work, self.volumes.fetched)

    def pod(self) -> phases.Pod:
        """Return what both processes share."""
        standing = self.volumes.session / "standing.json"
        return phases.Pod(standing, self.choose, self.fill, self.hear)

    def hear(self, said: list[Said], say: Callable[[str], None]) -> None:
        """Take what the worker sees, and tell people what is new of it."""
        notes = [Note(**each) for each in said]
        for note in notes:
            if note.kind in SAID and (note.kind, note.text) not in self._told:
                self._told.add((note.kind, note.text))
                say(note.text)
        self.notes.hear(notes)

    def why_signalled(self) -> Ending | None:
        """Return what the worker knows of the end of our pod."""
        for note in self.notes.all:
            if note.kind == ENDS and note.reason:
                return Ending("errored", Reason(note.reason), note.text)
        return None


async def _run(phase: str, volumes: Volumes) -> int:
    spec = folders.read_spec(volumes.top / "order")
    agent = f"steersman-runner/{__version__}"
    ca = spec.settings.get("ca")
    parts = Parts(volumes, spec)
    async with Client(spec.server_url, spec.token, user_agent=agent, ca=ca, light=True) as client:
        steps = volumes.spool / "steps"
        if phase == "prepare":
            places = Places(volumes.spool, steps, volumes.fetched)
            where = os.environ.get("STEERSMAN_NODE") or os.uname().nodename
            return await phases.prepare(parts.runner(client, places), parts.pod(), where)
        return await phases.go_on(parts.runner(client, Places(volumes.spool, steps)), parts.pod())


class _Printing(logging.Handler):
    """Prints where somebody reads it, and otherwise does not."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            os.write(2, f"{self.format(record)}\n".encode(errors="replace"))


def _begin(volumes: Volumes) -> None:
    os.umask(0o002)
    with suppress(OSError):
        (volumes.spool / "tmp").mkdir(exist_ok=True)
    for stream in (1, 2):
        # Whoever reads it may hang for hours; a full pipe must not stop us.
        with suppress(OSError):
            os.set_blocking(stream, False)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", handlers=[_Printing()]
    )
    for chatty in ("httpx2", "httpcore2", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def main(arguments: Sequence[str], volumes: Volumes | None = None) -> int:
    """Run one of the two processes, and return its exit code."""
    volumes = volumes or Volumes(Path(os.environ.get("STEERSMAN_POD", "/steersman")))
    if list(arguments) not in (["prepare"], ["run"]):
        sys.stderr.write("steersman.cli.pod_runner: say `prepare` or `run`\n")
        return 2
    _begin(volumes)
    try:
        return asyncio.run(_run(arguments[0], volumes))
    except SteersmanError as error:
        _leave(volumes, f"{arguments[0]}: {error}")
        return error.exit_code
    except Exception as error:
        log.exception("bug")
        _leave(volumes, f"{arguments[0]}: a bug of ours: {type(error).__name__}: {error}")
        return BROKEN


def _leave(volumes: Volumes, text: str) -> None:
    """Leave one sentence for the worker."""
    log.error("%s", text)
    with suppress(OSError):
        volumes.termination.write_text(text[:2000])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
