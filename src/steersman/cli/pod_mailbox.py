"""What the runner's container of a pod runs without a server: a mailbox, and the runner beside it.

`python3 -m steersman.cli.pod_mailbox`. The runner is a process of its own, the
same as with a server, and finds the mailbox where it expects one. It ends as the runner does, once
the laptop has taken what there is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from steersman.cli import pod_runner
from steersman.cluster import folders
from steersman.core.errors import SteersmanError
from steersman.runner.mailbox import LAPTOP_PORT, RUNNER_PORT, http
from steersman.runner.mailbox.box import Box
from steersman.runner.mailbox.for_laptop import ForLaptop
from steersman.runner.mailbox.for_runner import ForRunner

SILENCE = 300.0
"""Seconds after which a laptop that says nothing has gone: its job is ended."""
LOOK = 5.0
log = logging.getLogger("steersman.mailbox")


class Mailbox:
    """A pod's mailbox, which starts a *runner*."""

    def __init__(self, volumes: pod_runner.Volumes, runner: Sequence[str]) -> None:
        self._volumes = volumes
        self._runner = runner
        self._spec = folders.read_spec(volumes.top / "order")
        self.box = Box(volumes.spool / "mailbox", time.monotonic)

    async def run(self) -> int:
        """Run the attempt, and return how its runner ended."""
        box = self.box
        runner = await asyncio.create_subprocess_exec(*self._runner)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runner.terminate)
        watching = asyncio.ensure_future(self._watch())
        ports = [
            await http.serve(ForRunner(box, self._spec.token), "127.0.0.1", RUNNER_PORT),
            await http.serve(
                ForLaptop(box, str(self._spec.settings["laptop"])),
                "0.0.0.0",  # noqa: S104 - the API server comes from outside
                LAPTOP_PORT,
                await asyncio.to_thread(self._tls),
            ),
        ]
        try:
            code = await runner.wait()
            if box.record is not None:
                while not box.taken and not self._silent():
                    await box.until(lambda: box.taken, LOOK)
            return code
        finally:
            watching.cancel()
            for each in ports:
                each.close()

    def _silent(self) -> bool:
        return self.box.now() - self.box.heard > SILENCE

    async def _watch(self) -> None:
        """End the job of a laptop that has gone: nobody would see how it ends."""
        while not self._silent():
            await self.box.until(self._silent, LOOK)
        why = f"nothing was heard for {SILENCE:g} seconds of who wanted it"
        log.warning("silent: %s", why)
        await self.box.change(cancel=why)

    def _tls(self) -> ssl.SSLContext:
        """Make a certificate for these minutes: what goes through the cluster cannot be read."""
        place = self._volumes.spool / "mailbox.pem"
        if not place.exists():
            from steersman.cli.installing import certificates

            made = certificates.make(["steersman"], datetime.now(UTC))
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w") as file:
                file.write(made.key + made.certificate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(place)
        return context


def main(volumes: pod_runner.Volumes | None = None) -> int:
    """Run mailbox and runner, and return an exit code."""
    volumes = volumes or pod_runner.Volumes(Path(os.environ.get("STEERSMAN_POD", "/steersman")))
    pod_runner.begin(volumes)
    runner = (sys.executable, "-I", "-m", "steersman.cli.pod_runner")
    try:
        return asyncio.run(Mailbox(volumes, runner).run())
    except (SteersmanError, OSError) as error:
        log.error("%s", error)
        with suppress(OSError):
            volumes.termination.write_text(f"mailbox: {error}"[:2000])
        return 3


if __name__ == "__main__":
    sys.exit(main())
