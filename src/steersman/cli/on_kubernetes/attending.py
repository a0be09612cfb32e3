"""Attending a run in its pod: what is sent, what is seen and told, what is brought home."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from pathlib import Path

from steersman import trees
from steersman.cli import job as jobs
from steersman.cli.job import Request
from steersman.cli.on_kubernetes.channel import AWAY, Channel
from steersman.cli.on_kubernetes.order import Order
from steersman.cli.on_kubernetes.story import Story
from steersman.cluster.kubernetes import names
from steersman.cluster.kubernetes.api import Api
from steersman.cluster.kubernetes.watching import Watching
from steersman.core.errors import Interrupted, Refused, Unavailable
from steersman.core.events import Audience, Level, Notice, RunStarted
from steersman.core.pipelines.pick import target_steps
from steersman.core.reports import Reason
from steersman.core.runners import Note, Seen, Stage, State
from steersman.executor.job import Settings
from steersman.patience import patience
from steersman.runner.mailbox.box import Kept
from steersman.wire import Note as Said
from steersman.wire import Record

BEGINNING = 20 * 60.0
"""Seconds for a pod to find a place and for our image to come there."""
LOOK = 5.0
CODES = {"succeeded": 0, "failed": 1, "errored": 3, "stopped": 130}


class Attending:
    """Attends one run; *cancelled* may be set at any time."""

    def __init__(
        self, request: Request, order: Order, tell: Audience, cancelled: asyncio.Event
    ) -> None:
        self._request = request
        self._order = order
        self._tell = tell
        self._cancelled = cancelled
        self._up = asyncio.Event()
        self._delivered = False
        self._over = False
        self._story = Story(tell)
        self._began = time.monotonic()
        self._watching: Watching
        self._channel: Channel

    async def run(self, api: Api, path: str, folder: Path) -> int:
        """Attend the run to its end, and return the exit code."""
        pause = patience()
        only = f"{names.PERSONAL_SELECTOR},{names.ATTEMPT}={self._order.attempt}"
        self._watching = Watching(api, path.rpartition("/")[2], pause, only)
        self._channel = Channel(api, self._order, path, pause)
        self._announce()
        going = asyncio.ensure_future(self._go(folder))
        lost = asyncio.ensure_future(self._watch())
        ending = asyncio.ensure_future(self._cancel())
        tasks = (going, lost, ending)
        try:
            while not going.done():
                done, _ = await asyncio.wait(
                    [each for each in tasks if not each.done()],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for each in () if going in done else done:
                    each.result()
            return going.result()
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._watching.stop()

    def _announce(self) -> None:
        pipeline = self._request.pipeline
        chosen = target_steps(pipeline, self._request.flags["deploy_target"])
        self._tell(
            RunStarted(
                run_id=self._order.attempt,
                pipeline=pipeline.name,
                where="kubernetes",
                steps=tuple(step.display_name for step in chosen),
                after_steps=tuple(step.display_name for step in pipeline.after_steps),
            )
        )

    async def _go(self, folder: Path) -> int:
        await self._up.wait()
        await self._reach()
        self._delivered = True
        await self._bring()
        record, kept = await self._follow()
        for number, each in enumerate(kept):
            await self._fetch(number, each, folder)
        # All is here: how the pod ends from now on is no matter.
        self._over = True
        self._story.end(record, time.monotonic() - self._began)
        if record.get("reason") == Reason.REJECTED:
            return 2
        return CODES[record["state"]]

    async def _reach(self) -> None:
        """Wait until the mailbox answers; a cluster may not let anybody reach it."""
        began = time.monotonic()
        while True:
            try:
                await self._channel.news(0, 0, 0.0)
            except Unavailable as error:
                if time.monotonic() - began > AWAY:
                    raise Refused(
                        f"the API server does not reach the pod: {error}",
                        hint="a firewall between control plane and pods may have to let it through",
                    ) from error
                await asyncio.sleep(0.1)
            else:
                return

    async def _bring(self) -> None:
        """Bring the job, the cache and the source; the order is that of their need."""
        request = self._request
        await self._channel.say("job", self._order.job)
        skip = jobs.skipped(request)
        await self._channel.bring("source", lambda: trees.scan(request.project, skip))
        if self._order.job["cache"]:
            await self._channel.bring("cache", lambda: trees.scan(request.working.cache))

    async def _follow(self) -> tuple[Record, list[Kept]]:
        """Tell what happens as it happens, until all is told."""
        seen, lost = 0, None
        while True:
            try:
                news = await self._channel.news(self._story.position, seen)
            except Unavailable:
                # One of our containers ends and the next begins, or the API server was restarted.
                lost = time.monotonic() if lost is None else lost
                if time.monotonic() - lost > AWAY:
                    raise
                await asyncio.sleep(0.1)
                continue
            lost, seen = None, news.seen
            self._story.hear(news.steps, news.log)
            if news.record is not None and self._story.position >= news.log_size:
                return news.record, news.kept

    async def _fetch(self, number: int, kept: Kept, folder: Path) -> None:
        """Bring home what the run left."""
        settings, request = Settings(), self._request
        if kept.kind == "cache":
            home = request.working.cache.resolve()
            fresh = home.with_name(f"{home.name}.{self._order.attempt}.new")
            await self._channel.fetch(number, fresh, settings.cache_limits)
            await asyncio.to_thread(_replace, home, fresh)
        elif kept.kind == "output":
            await self._channel.fetch(number, folder / "output", settings.output_limits)
        elif request.flags["artifacts"]:
            into = folder / "reports" / kept.name.replace("/", "-")
            await self._channel.fetch(number, into, settings.report_limits)

    async def _cancel(self) -> None:
        """Let the run end in order; one that has not begun is left at once."""
        await self._cancelled.wait()
        if not self._delivered:
            raise Interrupted("interrupted before the run began")
        await self._channel.say("cancel", {"why": "interrupted"})

    async def _watch(self) -> None:
        """Look after the pod until it has ended, and say why."""
        told: list[Note] = []
        note = ""
        await self._watching.start()
        while True:
            self._watching.woken.clear()
            seen = self._watching.runners().get(self._order.attempt)
            if seen is not None:
                self._check(seen)
                if seen.note != note and not self._up.is_set():
                    note = seen.note
                    self._say(note)
                if list(seen.notes) != told and self._delivered:
                    # What nobody heard is said again with the next look.
                    with suppress(Unavailable):
                        await self._channel.notes([_said(each) for each in seen.notes])
                        told = list(seen.notes)
            try:
                async with asyncio.timeout(LOOK):
                    await self._watching.woken.wait()
            except TimeoutError:
                continue

    def _check(self, seen: Seen) -> None:
        if self._over:
            return
        if seen.started is not None:
            self._up.set()
        if seen.state is State.ENDED:
            raise Unavailable(f"the pod ended before its job: {seen.note or 'nobody says why'}")
        if seen.stage in (Stage.WAITING, Stage.PLACED, Stage.PULLING):
            hopeless = seen.reason is not None and seen.started is None
            if hopeless or time.monotonic() - self._began > BEGINNING:
                raise Unavailable(f"the pod does not begin: {seen.note or 'nobody says why'}")

    def _say(self, text: str) -> None:
        if text:
            self._tell(Notice(Level.INFO, text))


def _said(note: Note) -> Said:
    said: Said = {"kind": note.kind, "container": note.container, "text": note.text}
    if note.reason is not None:
        said |= {"reason": note.reason, "permanent": note.permanent}
    return said


def _replace(home: Path, fresh: Path) -> None:
    old = fresh.with_name(f"{fresh.name}.old")
    if home.exists():
        home.rename(old)
    fresh.rename(home)
    shutil.rmtree(old, ignore_errors=True)
