"""What the runner's container of a pod runs.

Everything they are told stands in the order that is mounted; nothing is written outside of the
volumes, and nobody is waited for who should read what we print.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steersman import __version__
from steersman.client import Client
from steersman.cluster.specs import RunnerSpec, read_spec
from steersman.core.errors import Refused, SteersmanError
from steersman.runner.reporting import Reporter

if TYPE_CHECKING:
    from steersman.cli.pod_parts import Parts

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
    def given(self) -> Path:
        return self.top / "given"

    def identity(self) -> str:
        """Return the id of the runner, which is made once: what it does is not to be done twice."""
        made = os.urandom(8).hex()
        try:
            with (self.spool / "runner").open("x") as file:
                file.write(made)
        except FileExistsError:
            raise Refused("another process of this pod has begun the attempt already") from None
        return made


async def _run(volumes: Volumes) -> int:
    spec = read_spec(volumes.top / "order")
    agent = f"steersman-runner/{__version__}"
    ca = spec.settings.get("ca")
    async with Client(spec.server_url, spec.token, user_agent=agent, ca=ca, light=True) as client:
        reporter = Reporter(client, volumes.identity(), time.time)
        node = os.environ.get("STEERSMAN_NODE", "")
        started = asyncio.ensure_future(reporter.started(os.uname().nodename, node))
        try:
            parts = await asyncio.to_thread(_parts, volumes, spec)
            return await parts.run(client, reporter, started)
        finally:
            started.cancel()


def _parts(volumes: Volumes, spec: RunnerSpec) -> Parts:
    """Import the rest, which takes longer than to hear from the server."""
    from steersman.cli.pod_parts import Parts

    return Parts(volumes, spec)


class _Printing(logging.Handler):
    """Prints where somebody reads it, and otherwise does not."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            os.write(2, f"{self.format(record)}\n".encode(errors="replace"))


def begin(volumes: Volumes) -> None:
    """Set up what both programs of the container have in common."""
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


def main(arguments: Sequence[str] = (), volumes: Volumes | None = None) -> int:
    """Run the attempt, and return an exit code."""
    volumes = volumes or Volumes(Path(os.environ.get("STEERSMAN_POD", "/steersman")))
    begin(volumes)
    if arguments:
        _leave(volumes, "this image is newer than the worker: it must be of the same version")
        return 2
    # What is imported stays: to look through it for what does not is a tenth of a start.
    gc.disable()
    try:
        # asyncio.run would take threads down that end with us, and start one more for that.
        with closing(asyncio.new_event_loop()) as loop:
            return loop.run_until_complete(_run(volumes))
    except SteersmanError as error:
        _leave(volumes, f"run: {error}")
        return error.exit_code
    except Exception as error:
        log.exception("bug")
        _leave(volumes, f"run: a bug of ours: {type(error).__name__}: {error}")
        return BROKEN


def _leave(volumes: Volumes, text: str) -> None:
    """Leave one sentence for the worker."""
    log.error("%s", text)
    with suppress(OSError):
        volumes.termination.write_text(f"{text[:1900]}\n")


def run() -> None:
    """Be the program; to take an interpreter down properly takes longer than a step."""
    os._exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
