"""Runs cron until it is told to stop, and lets it take in new configurations meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from steersman.cli import cron_launching, cron_parts
from steersman.cli.cron_flags import ClusterFlags
from steersman.cli.cron_launching import Whats
from steersman.cli.cron_parts import Source
from steersman.core.errors import SteersmanError, UserError
from steersman.core.schedules.alarms import News
from steersman.cron import exposing, telling, times
from steersman.cron.entries import Entries
from steersman.cron.launchers.base import What
from steersman.cron.logs import Event, say
from steersman.cron.program import Cron, collect_seldom
from steersman.cron.settings import Settings
from steersman.cron.watching import Watchman

LOOK_EVERY = 2.0
RESIGNING = 5.0


class Wishes(NamedTuple):
    """What the daemon is told by its flags."""

    source: Source
    ledger: str | None
    cluster: ClusterFlags
    name: str
    rate: float
    listen: str | None = None
    alarm_url: str | None = None


async def run(wishes: Wishes, text: str, entries: Entries) -> None:
    """Run until SIGTERM or Ctrl-C."""
    collect_seldom()
    kinds = cron_launching.whats(entries)
    where = cron_launching.ledger_url(wishes.ledger, wishes.name, kinds)
    if What.COMMAND in kinds:
        # Before anything is made.
        cron_launching.folder(where)
    needed = What.JOB in kinds or where.startswith("configmap:")
    api = cron_parts.connect(wishes.cluster) if needed else None
    ledger = cron_parts.open_ledger(
        where, wishes.cluster, lambda: api or cron_parts.connect(wishes.cluster)
    )
    clocks = times.system()
    about = (wishes.cluster.namespace, wishes.name, where)
    launcher = cron_launching.launcher(kinds, api, clocks, about)
    tell: Callable[[News], Awaitable[None]] = telling.nobody
    if wishes.alarm_url:
        tell = telling.webhook(wishes.alarm_url)
    settings = Settings(cron_parts.holder(), rate=wishes.rate)
    cron = Cron(ledger, launcher, settings, clocks, Watchman(tell))
    cron.configure(entries)
    try:
        async with contextlib.AsyncExitStack() as stack:
            if wishes.listen:
                stack.push_async_callback(_closed, await _listen(cron, wishes.listen))
            await _until_told(cron, Reloading(wishes.source, cron, text, kinds))
    finally:
        with contextlib.suppress(SteersmanError, TimeoutError):
            async with asyncio.timeout(RESIGNING):
                await cron.resign()
        await launcher.close()
        await ledger.close()
        if api is not None:
            await api.close()


async def _listen(cron: Cron, where: str) -> asyncio.Server:
    host, _, port = where.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise UserError(f"{where!r} is no address to listen at", hint="write 127.0.0.1:9090")
    try:
        return await exposing.serve(cron, host.strip("[]"), int(port))
    except OSError as error:
        raise UserError(f"cannot listen at {where}: {error.strerror}") from error


async def _closed(server: asyncio.Server) -> None:
    server.close()


async def _until_told(cron: Cron, reloading: Reloading) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, reloading.asked.set)
    tasks = [loop.create_task(each) for each in (cron.run(), told.wait(), reloading.run())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            _raise(task)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _raise(task: asyncio.Task[object]) -> None:
    """Raise what a task ended by; of several errors the first that is ours."""
    error = task.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error


class Reloading:
    """Reads the configuration again when it changed, or when somebody asks for it."""

    def __init__(self, source: Source, cron: Cron, text: str, kinds: Whats) -> None:
        self.asked = asyncio.Event()
        self._source = source
        self._cron = cron
        self._kinds = kinds
        self._digest = cron_parts.digest(text)

    async def run(self) -> None:
        """Look for ever; stdin cannot be read again."""
        if self._source.path is None:
            await asyncio.Event().wait()
        while True:
            await times.soon(self.asked, LOOK_EVERY)
            try:
                text = await asyncio.to_thread(self._source.text)
            except UserError as error:
                self._refuse(str(error), "")
                continue
            if cron_parts.digest(text) != self._digest:
                await self._take(text)

    async def _take(self, text: str) -> None:
        found = await asyncio.to_thread(self._source.read, text)
        if found.entries is None:
            errors = [each for each in found.problems if each.severity == "error"]
            self._refuse(f"{errors[0].place}: {errors[0].message}", cron_parts.digest(text))
            return
        lacks = cron_launching.lacking(self._kinds, found.entries)
        if lacks is not None:
            self._refuse(f"{lacks}: start steer cron again", cron_parts.digest(text))
            return
        self._digest = cron_parts.digest(text)
        self._cron.configure(found.entries)
        say(Event.CONFIG_LOADED, f"{self._source.name}, {len(found.entries)} schedules")

    def _refuse(self, why: str, digest: str) -> None:
        """Say once that what is there now cannot be used; what was there before goes on."""
        if digest and digest != self._digest:
            self._digest = digest
        say(Event.CONFIG_REFUSED, f"{why}; the configuration before it goes on")
