"""One attempt from the server's order to the acknowledged completion record."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.client import Client
from steersman.containers.base import CannotRun, Containers, ServiceEnded
from steersman.core.errors import Interrupted, SteersmanError, UserError
from steersman.core.events import Level, Notice
from steersman.core.reasons import Reason
from steersman.core.steps import Outcome, State, minutes_words
from steersman.executor import Job
from steersman.runner import carrying, registries
from steersman.runner.audience import Audience
from steersman.runner.jobs import Allowed, Places, build
from steersman.runner.reporting import Ending, Fenced, Reporter
from steersman.runner.spool import Spool

if TYPE_CHECKING:
    from steersman.executor.holding import Hold, Open
    from steersman.wire import JobSpec

log = logging.getLogger("steersman.runner")


CLEAN = "clean"
"""A runner that left nothing behind says so by a file of this name."""


THEIRS = (Reason.STEP_FAILED, Reason.OUT_OF_MEMORY, Reason.TIMED_OUT, Reason.SERVICE_ENDED)
"""Why an attempt failed that is the user's to mend; whatever else ended it is ours."""


Work = Callable[[], Awaitable[Ending]]


class Runner:
    """Executes one attempt. *choose* opens the door to containers.

    *why_signalled* may know more of why our process was told to end. A *reporter* that has spoken
    for us already goes on.
    """

    def __init__(
        self,
        client: Client,
        places: Places,
        allowed: Allowed,
        choose: Callable[[], Containers],
        reporter: Reporter | None = None,
    ) -> None:
        self.client = client
        self.places = places
        self.allowed = allowed
        self.choose = choose
        self.cancelled = asyncio.Event()
        self.why_stopped = ""
        self.overdue = ""
        self.signalled = False
        self.why_signalled: Callable[[], Ending | None] = lambda: None
        self.held = asyncio.Event()
        self.reporter = reporter or Reporter(client, os.urandom(8).hex(), time.time)
        self.reporter.stop = self.stop

    def stop(self, why: str) -> None:
        """Let the attempt end in order: its after-steps run, then everything is removed."""
        self.why_stopped = self.why_stopped or why
        self.cancelled.set()

    def signal(self, why: str) -> None:
        """Let the attempt end, in order, because our process is told to."""
        self.signalled = True
        self.stop(why)

    async def run(self) -> int:
        """Run the attempt; 0 once its record is acknowledged, 1 when it was taken from us."""
        try:
            spec = await self.reporter.started(os.uname().nodename)
            audience = self.audience(spec)
            await self.supervised(spec, audience, lambda: self._attempt(spec, audience))
        except Fenced:
            return 1
        finally:
            shutil.rmtree(self.places.source, ignore_errors=True)
            shutil.rmtree(self.places.cache, ignore_errors=True)
            shutil.rmtree(self.places.kept, ignore_errors=True)
        return 0

    def audience(self, spec: JobSpec) -> Audience:
        """Return what hears the attempt."""
        spool = Spool(self.places.folder / "log", spec["settings"]["log_limit"])
        return Audience(spool, time.time, self.reporter.wake)

    async def supervised(self, spec: JobSpec, audience: Audience, work: Work) -> None:
        """Do *work*, and record its ending, while a heartbeat goes on.

        When we are fenced, stop at once and say nothing.
        """
        beating = asyncio.ensure_future(self.reporter.beat())
        sending = asyncio.ensure_future(self.reporter.send(audience.spool, audience))
        working = asyncio.ensure_future(self._work(audience, work))
        fenced = asyncio.ensure_future(self.reporter.fenced.wait())
        watching = [asyncio.ensure_future(each) for each in self._limits(spec["settings"])]
        try:
            await asyncio.wait({working, fenced}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Fenced
            ending = working.result()
            self.reporter.finish()
            await sending
            # From here on the attempt may be over, and a heartbeat would be told so.
            recording = self.reporter.record(ending, audience.spool, audience)
            beating.cancel()
            await recording
        finally:
            tasks = (working, beating, sending, fenced, *watching)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            audience.spool.close()

    def _limits(self, settings: Mapping[str, Any]) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._limit(settings.get("limit"))
        if settings.get("repeatable") is False and settings.get("fencing"):
            yield self.reporter.unheard(settings["fencing"])

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

    async def _work(self, audience: Audience, work: Work) -> Ending:
        """Do everything but the record: what goes wrong becomes the ending."""
        try:
            return await work()
        except Fenced:
            raise
        except Interrupted:
            return self.stopped()
        except UserError as error:
            self._explain(audience, error)
            return Ending("failed", Reason.REJECTED, str(error))
        except (CannotRun, ServiceEnded) as error:
            self._explain(audience, error)
            return self._lost(error.reason, str(error))
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
        await self.fetch(spec)
        containers = self.choose()
        try:
            job = self.job(spec, containers)
            outcome = await self.attempted(spec, job, containers, audience)
            (self.places.folder / CLEAN).touch()
        finally:
            await containers.close()
        await self.send(audience)
        await carrying.send_cache(self.client, self.places)
        return self.ending(outcome)

    async def fetch(self, spec: JobSpec) -> None:
        """Bring source and cache here."""
        fetching = [carrying.fetch_source(self.client, self.places)]
        if spec["cache"]:
            limit = spec["settings"]["cache_limit"]
            fetching.append(carrying.fetch_cache(self.client, self.places, limit))
        await asyncio.gather(*fetching)

    def job(self, spec: JobSpec, containers: Containers) -> Job:
        """Make the executor's job of what the server said."""
        registry = registries.of_server(self.client, self.places, asyncio.get_running_loop())
        return build(spec, self.places, containers, self.allowed, registry)

    async def attempted(
        self, spec: JobSpec, job: Job, containers: Containers, audience: Audience
    ) -> Outcome:
        """Run the attempt itself."""
        from steersman.executor.attempt import Attempt

        self.places.kept.mkdir(exist_ok=True)
        attempt = Attempt(
            job,
            containers,
            audience,
            cancelled=self.cancelled,
            clock=time.monotonic,
            hold=self._hold(spec, audience),
        )
        return await attempt.run()

    async def send(self, audience: Audience) -> None:
        """Send what the attempt has left here, but for the cache."""
        await carrying.send_kept(self.client, self.places)
        await carrying.send_tests(self.client, self.places, audience.say)

    def _hold(self, spec: JobSpec, audience: Audience) -> Hold | None:
        """Return what holds the box of the job should it fail; None where nobody asked for that."""
        if not spec["settings"].get("hold"):
            return None
        from steersman.runner.shells import Shells

        def say(text: str) -> None:
            audience(Notice(Level.INFO, text))

        shells = Shells(self.reporter, spec, say)

        async def hold(enter: Open) -> None:
            self.held.set()
            await shells.hold(enter)

        return hold

    def stopped(self) -> Ending:
        """Return what the record says of an attempt that was told to end."""
        if self.overdue:
            return Ending("failed", Reason.TIMED_OUT, self.overdue)
        known = self.why_signalled() if self.signalled else None
        return known or Ending("stopped", message=self.why_stopped)

    def ending(self, outcome: Outcome) -> Ending:
        """Return what the record says of an outcome."""
        at = f"step {outcome.failed_step}: " if outcome.failed_step else ""
        message = f"{at}{outcome.message}"
        match outcome.state:
            case State.SUCCEEDED:
                return Ending("succeeded")
            case State.CANCELLED:
                return self.stopped()
            case State.ERRORED:
                return Ending("errored", Reason.INTERNAL, message)
        return self._lost(outcome.cause or Reason.STEP_FAILED, message)

    def _lost(self, reason: str, message: str) -> Ending:
        """Return the ending that a reason makes: the user's to mend, or ours."""
        return Ending("failed" if reason in THEIRS else "errored", Reason(reason), message)


def place(folder: Path) -> Places:
    """Return the folders of the runner in *folder*; steps are kept beside all of them."""
    return Places(folder, folder.parent / ".steps")
