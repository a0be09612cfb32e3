"""The relay of shells: who holds a box, who wants in, and the bytes between them.

All of it lives in the memory of this server, and nothing of it is kept: where there are several
servers, a shell needs sticky sessions that lead the runner and the person to the same one. A server
that ends loses the shells it relays, and no more: boxes are held on, and their runners ask again.

What a shell prints is **not masked**: whoever has one can read every secret of the job. Hence the
right to one is a maintainer's, and both its beginning and its end stand in the audit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from fastapi import Request
from starlette.requests import ClientDisconnect

from steersman import wire
from steersman.core.errors import Conflict
from steersman.server.pipes import Pipe
from steersman.store.base import Waking

CONNECT = 30.0
"""Seconds both sides have to come."""
KEEP = 60.0
"""Seconds in which one may still ask how a shell ended."""
GRACE = 5.0
"""Seconds after which a runner that does not ask again holds no box any more."""

LOOK = 1.0
"""Seconds between two looks whether the reader of a silent shell is still there."""
AS_IT_COMES: Mapping[str, str] = MappingProxyType(
    {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
)


class How(StrEnum):
    """How a shell ended: by itself, by whoever opened it, or since a side was lost."""

    ENDED = "ended"
    CLOSED = "closed"
    LOST = "lost"


class Asked(NamedTuple):
    """Who wants in, and where: *run* is PROJECT/NUMBER, *columns* and *rows* a terminal's."""

    user: str
    name: str
    attempt: str
    project: str
    run: str
    job: str
    columns: int
    rows: int


class Shell:
    """One shell somebody asked for."""

    def __init__(self, identity: str, asked: Asked) -> None:
        self.id = identity
        self.asked = asked
        self.output = Pipe()
        self.input = Pipe()
        self.ended = asyncio.Event()
        self.how: How | None = None
        self.message = ""
        self.runner_here = False
        self.person_here = False
        self._next = 0
        self._typing = asyncio.Lock()

    async def close(self, how: How, message: str = "") -> None:
        """End the shell, unless it has ended: both sides are let go."""
        if self.how is not None:
            return
        self.how, self.message = how, message
        self.ended.set()
        await self.output.close()
        await self.input.close()

    async def type(self, number: int, line: bytes) -> None:
        """Hand a line on to the runner, once and in order of *number* from 0."""
        async with self._typing:
            if number > self._next:
                raise Conflict(f"piece {self._next} of what was typed is missing")
            if number == self._next:
                self._next += 1
                await self.input.put(line)


class _Hold:
    """A box that is held: how many times its runner asks just now, and when it last did."""

    def __init__(self) -> None:
        self.asking = 0
        self.last = 0.0
        self.wanted = False
        self.shell: Shell | None = None


class Relay:
    """All shells of this server."""

    def __init__(self, waking: Waking) -> None:
        self._waking = waking
        self._holds: dict[str, _Hold] = {}
        self._shells: dict[str, Shell] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def wanted(self, attempt: str, seconds: float) -> Shell | None:
        """Note that the box of *attempt* is held, and return the shell its runner is to open."""
        self._forget_holds()
        hold = self._holds.setdefault(attempt, _Hold())
        hold.asking += 1
        woken = asyncio.Event()
        stop = self._waking.listen(_topic(attempt), woken.set)
        try:
            if not (hold.wanted or self._waking.closed):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await woken.wait()
        finally:
            stop()
            hold.asking -= 1
            hold.last = _now()
        return hold.shell if hold.wanted else None

    def _forget_holds(self) -> None:
        for attempt in [each for each, hold in self._holds.items() if not _is_held(hold)]:
            del self._holds[attempt]

    def is_held(self, attempt: str) -> bool:
        """Tell whether the box of *attempt* is held, as far as this server knows."""
        hold = self._holds.get(attempt)
        return hold is not None and _is_held(hold)

    def inside(self, attempt: str) -> str:
        """Return who has a shell in the box of *attempt*, "" for nobody."""
        hold = self._holds.get(attempt)
        return hold.shell.asked.name if hold is not None and hold.shell is not None else ""

    def open(
        self, identity: str, asked: Asked, over: Callable[[Shell, float], Awaitable[None]]
    ) -> Shell:
        """Ask the runner that holds the box for a shell; *over* hears how many seconds it took."""
        hold = self._holds[asked.attempt]
        hold.shell = self._shells[identity] = Shell(identity, asked)
        hold.wanted = True
        self._waking.wake(_topic(asked.attempt))
        task = asyncio.create_task(self._supervise(hold, hold.shell, over))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return hold.shell

    async def _supervise(
        self, hold: _Hold, shell: Shell, over: Callable[[Shell, float], Awaitable[None]]
    ) -> None:
        """See a shell through: from its opening to when nobody asks for its end any more."""
        began = _now()
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT):
                await shell.ended.wait()
        if not (shell.runner_here and shell.person_here):
            who = "its runner" if shell.person_here else "whoever opened it"
            await shell.close(How.LOST, f"{who} did not come within {CONNECT:g} s")
        await shell.ended.wait()
        hold.shell, hold.wanted, hold.last = None, False, _now()
        await over(shell, _now() - began)
        await asyncio.sleep(KEEP)
        self._shells.pop(shell.id, None)

    def find(self, identity: str) -> Shell | None:
        """Return a shell that is open, or was not long ago."""
        return self._shells.get(identity)

    def of_runner(self, identity: str, attempt: str) -> Shell | None:
        """Return the shell *identity* for the runner of *attempt*, which thereby is here."""
        shell = self._shells.get(identity)
        if shell is None or shell.asked.attempt != attempt:
            return None
        hold = self._holds.get(attempt)
        if hold is not None and hold.shell is shell:
            hold.wanted = False
        shell.runner_here = True
        return shell


def _is_held(hold: _Hold) -> bool:
    return bool(hold.asking or hold.shell) or _now() - hold.last < GRACE


def _topic(attempt: str) -> str:
    return f"shell/{attempt}"


def _now() -> float:
    return asyncio.get_running_loop().time()


async def flow(
    shell: Shell, pipe: Pipe, request: Request, *, lost: str, keep: bytes = b""
) -> AsyncIterator[bytes]:
    """Yield what comes through *pipe*, and *keep* when nothing does; a reader who left ends it.

    *lost* says what became of the shell then.
    """
    closing: asyncio.Event = request.app.state.closing
    quiet = 0.0
    try:
        while (data := await pipe.take(LOOK)) is not None:
            if closing.is_set():
                await shell.close(How.LOST, "the server ends")
            elif not data and await request.is_disconnected():
                return
            quiet = 0.0 if data else quiet + LOOK
            if data:
                yield data
            elif keep and quiet >= wire.SHELL_QUIET_SECONDS:
                quiet = 0.0
                yield keep
    finally:
        await shell.close(How.LOST, lost)


async def print_all(shell: Shell, request: Request) -> None:
    """Take what a runner's box prints, up to the end of the shell."""
    how = How.LOST
    try:
        async for piece in request.stream():
            if piece and not await shell.output.put(piece):
                return
        how = How.ENDED
    except ClientDisconnect:
        return
    finally:
        await shell.close(how, "" if how is How.ENDED else "its runner went away")
