"""What a pod's runner is made of, but for its beginning.

Importing it is most of what a start costs: `pod_runner` does so while it speaks to the server.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from steersman.client import Client
from steersman.cluster.specs import RunnerSpec
from steersman.containers.pod import box, filling
from steersman.containers.pod.door import PodContainers
from steersman.containers.pod.notes import Note, Notes
from steersman.core.reasons import Reason
from steersman.runner import in_pods
from steersman.runner.jobs import Allowed, Places
from steersman.runner.program import Runner
from steersman.runner.reporting import Ending, Reporter

if TYPE_CHECKING:
    from steersman.cli.pod_runner import Volumes
    from steersman.wire import JobSpec
    from steersman.wire import Note as Said

SAID = ("pulling", "stuck", "service-ended")
"""The kinds of notes that people are told as they come."""
ENDS = "pod-ending"


class Parts:
    """A pod's runner."""

    def __init__(self, volumes: Volumes, spec: RunnerSpec) -> None:
        self.volumes = volumes
        self.spec = spec
        self.notes = Notes()
        self._told: set[tuple[str, str]] = set()

    async def run(self, client: Client, reporter: Reporter, spec: Awaitable[JobSpec]) -> int:
        """Run the attempt of which we have begun to ask for the *spec*."""
        try:
            return await in_pods.run(self.runner(client, reporter), spec, self.hear)
        finally:
            box.dismiss(self.volumes.session)

    def runner(self, client: Client, reporter: Reporter) -> Runner:
        """Return a runner that ends when we are told to."""
        spool = self.volumes.spool
        places = Places(spool, spool / "steps", self.volumes.given / filling.FETCHED)
        runner = Runner(client, places, Allowed(), self.choose, reporter)
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
            volumes=box.Volumes(self.volumes.session, self.volumes.work, self.volumes.given),
            ports={each["name"]: each["ports"] for each in services},
            docker=bool((self.spec.wanted or {}).get("docker")),
        )

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
