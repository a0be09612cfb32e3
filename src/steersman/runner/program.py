"""One attempt from the server's order to the acknowledged completion record."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from steersman.client import Client
from steersman.containers.base import Containers
from steersman.core.errors import Interrupted, SteersmanError, UserError
from steersman.core.events import Level, Notice
from steersman.core.reports import Reason
from steersman.core.steps import Outcome, State, minutes_words
from steersman.executor import Attempt
from steersman.executor.holding import Hold, Open
from steersman.runner import carrying, registries
from steersman.runner.audience import Audience
from steersman.runner.jobs import Allowed, Places, build
from steersman.runner.reporting import Fenced, Reporter
from steersman.runner.shells import Shells
from steersman.runner.spool import Spool
from steersman.wire import JobSpec

log = logging.getLogger("steersman.runner")


CLEAN = "clean"
"""A runner that left nothing behind says so by a file of this name."""


class Ending(NamedTuple):
    """How the attempt ended, as the record says it."""

    state: str
    reason: str = ""
    message: str = ""


class Runner:
    """Executes one attempt. *choose* opens the door to containers."""

    def __init__(
        self, client: Client, places: Places, allowed: Allowed, choose: Callable[[], Containers]
    ) -> None:
        self.client = client
        self.places = places
        self.allowed = allowed
        self.choose = choose
        self.cancelled = asyncio.Event()
        self.why_stopped = ""
        self.overdue = ""
        self.held = asyncio.Event()
        self.reporter = Reporter(client, os.urandom(8).hex(), time.time, self.stop)

    def stop(self, why: str) -> None:
        """Let the attempt end in order: its after-steps run, then everything is removed."""
        self.why_stopped = self.why_stopped or why
        self.cancelled.set()

    async def run(self) -> int:
        """Run the attempt; 0 once its record is acknowledged, 1 when it was taken from us."""
        try:
            spec = await self.reporter.started(os.uname().nodename)
            await self._supervised(spec)
        except Fenced:
            return 1
        finally:
            shutil.rmtree(self.places.source, ignore_errors=True)
            shutil.rmtree(self.places.cache, ignore_errors=True)
            shutil.rmtree(self.places.kept, ignore_errors=True)
        return 0

    async def _supervised(self, spec: JobSpec) -> None:
        """Run while a heartbeat goes on; when we are fenced, stop at once and say nothing."""
        spool = Spool(self.places.folder / "log", spec["settings"]["log_limit"])
        audience = Audience(spool, time.time, self.reporter.wake)
        beating = asyncio.ensure_future(self.reporter.beat())
        sending = asyncio.ensure_future(self.reporter.send(spool, audience))
        working = asyncio.ensure_future(self._work(spec, audience))
        fenced = asyncio.ensure_future(self.reporter.fenced.wait())
        limiting = asyncio.ensure_future(self._limit(spec["settings"].get("limit")))
        try:
            await asyncio.wait({working, fenced}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Fenced
            ending = working.result()
            self.reporter.finish()
            await sending
            # From here on the attempt may be over, and a heartbeat would be told so.
            recording = self.reporter.record(
                ending.state, spool.size, ending.reason, ending.message
            )
            beating.cancel()
            await recording
        finally:
            tasks = (working, beating, sending, fenced, limiting)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            spool.close()

    async def _limit(self, seconds: float | None) -> None:
        """End the attempt when its time is over; that is the user's to mend."""
        if seconds is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self.held.wait()  # how long a box is held is not the job's time
        except TimeoutError:
            self.overdue = f"it ran for longer than its {minutes_words(seconds)}"
            self.stop(self.overdue)

    async def _work(self, spec: JobSpec, audience: Audience) -> Ending:
        """Do everything but the record: what goes wrong becomes the ending."""
        try:
            return await self._attempt(spec, audience)
        except Fenced:
            raise
        except Interrupted:
            return self._stopped()
        except UserError as error:
            self._explain(audience, error)
            return Ending("failed", Reason.REJECTED, str(error))
        except SteersmanError as error:
            self._explain(audience, error)
            return Ending("errored", Reason.INTERNAL, str(error))
        except OSError as error:
            self._say(audience, f"error: {error}")
            return Ending("errored", Reason.INTERNAL, f"the runner's machine: {error}")
        except Exception as error:
            log.exception("bug")
            self._say(audience, f"error: a bug of ours: {type(error).__name__}: {error}")
            return Ending("errored", Reason.INTERNAL, f"a bug of ours: {type(error).__name__}")

    def _explain(self, audience: Audience, error: SteersmanError) -> None:
        self._say(audience, f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))

    def _say(self, audience: Audience, text: str) -> None:
        """Say it in the log too, unless the disk of the log is what is full: the record says it."""
        with suppress(OSError):
            audience.say(text)

    async def _attempt(self, spec: JobSpec, audience: Audience) -> Ending:
        places = self.places
        await asyncio.gather(
            carrying.fetch_source(self.client, places),
            carrying.fetch_cache(self.client, places, spec["settings"]["cache_limit"]),
        )
        containers = self.choose()
        try:
            registry = registries.of_server(self.client, places, asyncio.get_running_loop())
            job = build(spec, places, containers, self.allowed, registry)
            places.kept.mkdir(exist_ok=True)
            attempt = Attempt(
                job,
                containers,
                audience,
                cancelled=self.cancelled,
                clock=time.monotonic,
                hold=self._hold(spec, audience),
            )
            outcome = await attempt.run()
            (places.folder / CLEAN).touch()
        finally:
            await containers.close()
        await carrying.send_kept(self.client, places)
        await carrying.send_tests(self.client, places, audience.say)
        await carrying.send_cache(self.client, places)
        return self._ending(outcome)

    def _hold(self, spec: JobSpec, audience: Audience) -> Hold | None:
        """Return what holds the box of the job should it fail; None where nobody asked for that."""
        if not spec["settings"].get("hold"):
            return None

        def say(text: str) -> None:
            audience(Notice(Level.INFO, text))

        shells = Shells(self.reporter, spec, say)

        async def hold(enter: Open) -> None:
            self.held.set()
            await shells.hold(enter)

        return hold

    def _stopped(self) -> Ending:
        if self.overdue:
            return Ending("failed", Reason.TIMED_OUT, self.overdue)
        return Ending("stopped", message=self.why_stopped)

    def _ending(self, outcome: Outcome) -> Ending:
        at = f"step {outcome.failed_step}: " if outcome.failed_step else ""
        message = f"{at}{outcome.message}"
        match outcome.state:
            case State.SUCCEEDED:
                return Ending("succeeded")
            case State.CANCELLED:
                return self._stopped()
            case State.ERRORED:
                return Ending("errored", Reason.INTERNAL, message)
        if outcome.cause == "box-lost":
            return Ending("errored", Reason.BOX_LOST, message)
        reason = Reason(outcome.cause) if outcome.cause else Reason.STEP_FAILED
        return Ending("failed", reason, message)


def place(folder: Path) -> Places:
    """Return the folders of the runner in *folder*; steps are kept beside all of them."""
    return Places(folder, folder.parent / ".steps")
