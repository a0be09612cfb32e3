"""What the two processes of a pod's runner are made of, but for their beginning.

Importing it is most of what a start costs: `pod_runner` does so while it speaks to the server.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from steersman.client import Client
from steersman.cluster.specs import RunnerSpec
from steersman.containers.base import Upload
from steersman.containers.pod import box, filling
from steersman.containers.pod.door import PodContainers
from steersman.containers.pod.notes import Note, Notes
from steersman.core.reports import Reason
from steersman.runner import phases
from steersman.runner.jobs import Allowed, Places
from steersman.runner.program import Ending, Runner
from steersman.runner.reporting import Reporter

if TYPE_CHECKING:
    from steersman.cli.pod_runner import Volumes
    from steersman.wire import JobSpec
    from steersman.wire import Note as Said

SAID = ("pulling", "stuck", "service-ended")
"""The kinds of notes that people are told as they come."""
ENDS = "pod-ending"


class Parts:
    """One process of a pod's runner."""

    def __init__(self, volumes: Volumes, spec: RunnerSpec) -> None:
        self.volumes = volumes
        self.spec = spec
        self.notes = Notes()
        self._told: set[tuple[str, str]] = set()

    async def prepare(self, client: Client, reporter: Reporter, spec: Awaitable[JobSpec]) -> int:
        """Be the first process, which has begun to ask for the *spec*."""
        steps, fetched = self.volumes.spool / "steps", self.volumes.fetched
        runner = self.runner(client, Places(self.volumes.spool, steps, fetched), reporter)
        return await phases.prepare(runner, self.pod(), spec)

    async def go_on(self, client: Client, reporter: Reporter) -> int:
        """Be the second process."""
        places = Places(self.volumes.spool, self.volumes.spool / "steps")
        try:
            return await phases.go_on(self.runner(client, places, reporter), self.pod())
        finally:
            await box.dismiss(self.volumes.session)

    def runner(self, client: Client, places: Places, reporter: Reporter) -> Runner:
        """Return a runner that ends when we are told to."""
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
