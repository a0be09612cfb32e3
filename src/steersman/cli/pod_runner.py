"""What our two containers of a pod run: `python -m steersman.cli.pod_runner prepare`, then `run`.

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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from steersman import __version__
from steersman.client import Client
from steersman.cluster.specs import RunnerSpec, read_spec
from steersman.core.errors import SteersmanError
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
    def fetched(self) -> Path:
        return self.work / "fetched"

    def identity(self) -> str:
        """Return the id of the runner: the same for whoever is started here."""
        path = self.spool / "runner"
        with suppress(FileExistsError), path.open("x") as file:
            file.write(os.urandom(8).hex())
        return path.read_text() or os.urandom(8).hex()


async def _run(phase: str, volumes: Volumes) -> int:
    spec = read_spec(volumes.top / "order")
    agent = f"steersman-runner/{__version__}"
    ca = spec.settings.get("ca")
    async with Client(spec.server_url, spec.token, user_agent=agent, ca=ca, light=True) as client:
        reporter = Reporter(client, volumes.identity(), time.time)
        if phase != "prepare":
            return await _parts(volumes, spec).go_on(client, reporter)
        node = os.environ.get("STEERSMAN_NODE", "")
        started = asyncio.ensure_future(reporter.started(os.uname().nodename, node))
        try:
            parts = await asyncio.to_thread(_parts, volumes, spec)
            return await parts.prepare(client, reporter, started)
        finally:
            started.cancel()


def _parts(volumes: Volumes, spec: RunnerSpec) -> Parts:
    """Import the rest, which takes longer than to hear from the server."""
    from steersman.cli.pod_parts import Parts

    gc.freeze()
    gc.enable()
    return Parts(volumes, spec)


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
    # What is imported stays: to look through it for what does not is a tenth of a start.
    gc.disable()
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
        volumes.termination.write_text(f"{text[:1900]}\n")


if __name__ == "__main__":
    # Taking an interpreter down properly takes longer than a step; nothing is left to be written.
    os._exit(main(sys.argv[1:]))
