"""Runners that are processes of this machine and outlive the worker that made them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from steersman.cluster import folders, processes
from steersman.cluster.base import RunnerSpec, Seen, State
from steersman.cluster.nursing import Nursery, Upbringing
from steersman.core.errors import Conflict, Refused

RUNNERS = "runners"
NURSERY_LOG = "nursery.log"
POLL = 1.0
"""How often to look where the kernel does not tell of the end of a process that is not ours."""


class LocalCluster:
    """Keeps each runner in a folder below *root*; *upbringing* says what it is forked from.

    The setting `user` of a pool names the user its runners run as. *bury* removes what a runner
    that was killed left elsewhere, before its folder goes.
    """

    name = "local"

    def __init__(
        self,
        root: Path,
        upbringing: Upbringing,
        *,
        capabilities: frozenset[str] = frozenset(),
        now: Callable[[], float] = time.time,
        bury: Callable[[Path], Awaitable[None]] | None = None,
    ) -> None:
        self._root = root / RUNNERS
        self._capabilities = capabilities
        self._now = now
        self._bury = bury
        self._nursery = Nursery(upbringing)
        self._woken = asyncio.Event()
        self._watched: dict[str, int | None] = {}
        try:
            folders.open_root(self._root)
        except OSError as error:
            raise Refused(f"runners cannot be kept in {root}: {error.strerror}") from error

    @property
    def nursery_pid(self) -> int | None:
        """Return the process from which runners are forked just now."""
        return self._nursery.pid

    def capabilities(self) -> frozenset[str]:
        return self._capabilities

    async def create(self, spec: RunnerSpec) -> None:
        folder = folders.named(self._root, spec.attempt)
        user = spec.settings.get("user")
        if not (user is None or isinstance(user, str)):
            raise Refused(f"`user` of the pool {spec.pool} is no name of a user: {user!r}")
        if (folder / folders.ALIVE).exists():
            return
        try:
            folders.write_spec(folder, spec)
        except OSError as error:
            what = f"a runner's folder cannot be made in {self._root}: {error.strerror}"
            raise Refused(what, hint="is the disk full?") from error
        try:
            await self._nursery.bear(folder, user)
        except Refused:
            # It was refused before anything ran.
            await asyncio.to_thread(folders.remove, folder)
            raise
        self._woken.set()

    async def runners(self) -> list[Seen]:
        now = self._now()
        try:
            names = [name for name in os.listdir(self._root) if not name.startswith(".")]
        except OSError as error:
            what = f"runners cannot be looked for in {self._root}: {error.strerror}"
            raise Refused(what) from error
        looked = (folders.look(self._root / name, now) for name in sorted(names))
        found = [each for each in looked if each is not None]
        for each in found:
            if each.state is State.RUNNING and each.attempt not in self._watched:
                self._watch(each.attempt)
        return found

    async def look(self, attempt: str) -> None:
        return None

    async def stop(self, attempt: str) -> None:
        self._signal(attempt, signal.SIGTERM)

    async def kill(self, attempt: str) -> None:
        self._signal(attempt, signal.SIGKILL, group=True)

    def _signal(self, attempt: str, number: signal.Signals, *, group: bool = False) -> None:
        folder = folders.named(self._root, attempt)
        seen = folders.look(folder, self._now())
        process = processes.parse(folders.process_line(folder))
        if seen is not None and seen.state is State.RUNNING and process is not None:
            processes.send(process, number, folder.stat().st_uid, group=group)

    async def delete(self, attempt: str) -> None:
        folder = folders.named(self._root, attempt)
        seen = folders.look(folder, self._now())
        if seen is None:
            return
        if seen.state is not State.ENDED:
            raise Conflict(f"the runner of {attempt} has not ended", hint="stop it first")
        if self._bury is not None:
            await self._bury(folder)
        await asyncio.to_thread(folders.remove, folder)
        self._unwatch(attempt)
        self._woken.set()

    async def room(self) -> None:
        return None

    async def changed(self, within: float) -> None:
        told = hasattr(os, "pidfd_open")
        # Not `asyncio.wait_for`: in 3.11 it can swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within if told else min(within, POLL)):
                await self._woken.wait()
                self._woken.clear()

    async def close(self) -> None:
        for attempt in list(self._watched):
            self._unwatch(attempt)
        await self._nursery.close()

    def _watch(self, attempt: str) -> None:
        """Let the end of a runner wake us; once only, should its lock outlive it."""
        process = processes.parse(folders.process_line(self._root / attempt))
        if process is None or not hasattr(os, "pidfd_open"):
            return
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:
            # It ended just now.
            self._watched[attempt] = None
            self._woken.set()
            return
        self._watched[attempt] = handle
        asyncio.get_running_loop().add_reader(handle, partial(self._ended, attempt))

    def _ended(self, attempt: str) -> None:
        self._unwatch(attempt)
        self._watched[attempt] = None
        self._woken.set()

    def _unwatch(self, attempt: str) -> None:
        handle = self._watched.pop(attempt, None)
        if handle is not None:
            asyncio.get_running_loop().remove_reader(handle)
            os.close(handle)
