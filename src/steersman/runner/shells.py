"""The runner's side of a shell: waits for somebody who wants in, and carries what is typed.

Two requests carry a shell: one whose body is what the box prints, as it comes, and one whose
answer is what was typed. When either ends, so does the shell.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from steersman.client import Client
from steersman.containers.terminals import Size, Terminal
from steersman.core import intervals
from steersman.core.errors import SteersmanError
from steersman.core.steps import minutes_words
from steersman.executor.holding import Open
from steersman.runner.reporting import Reporter

if TYPE_CHECKING:
    from steersman import wire

QUIET = b"\0"
"""What is sent when the box prints nothing: no terminal shows it."""
log = logging.getLogger("steersman.runner")


class Shells:
    """Holds a box for *seconds*, longer while somebody is in it."""

    def __init__(self, reporter: Reporter, spec: wire.JobSpec, say: Callable[[str], None]) -> None:
        self.reporter = reporter
        self.seconds = float(spec["settings"]["hold"])
        self.command = f"steer shell {spec['settings'].get('called', spec['run'])} {spec['job']}"
        self._say = say

    async def hold(self, enter: Open) -> None:
        """Let people in, one after the other, until the time is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._say(f"held for {minutes_words(self.seconds)}: {self.command}")
        while loop.time() < began + self.seconds:
            wanted = await self._wanted(began + self.seconds)
            if wanted is not None and wanted["shell"] is not None:
                await self._serve(wanted, enter, began + intervals.HOLD_SECONDS[1])
        self._say("held no longer")

    async def _wanted(self, until: float) -> wire.WantedShell | None:
        """Ask who wants in; None when the time is over, also while the server is away."""
        said: wire.Holding = {"runner": self.reporter.runner, "wait": intervals.LEASE_WAIT_SECONDS}
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                answer: wire.WantedShell = await self.reporter.call(
                    "POST", "/runner/v1/shell", said
                )
                return answer
        return None

    async def _serve(self, wanted: wire.WantedShell, enter: Open, until: float) -> None:
        """Open a shell and carry it to its end; what fails is told to whoever asked for it."""
        path = f"/runner/v1/shells/{wanted['shell']}"
        try:
            terminal = await enter(Size(wanted["columns"], wanted["rows"]))
        except SteersmanError as error:
            await self._refuse(path, str(error))
            return
        try:
            async with asyncio.timeout_at(until):
                await carry(self.reporter.client, path, terminal)
        except TimeoutError:
            await self._refuse(
                path, f"a box is held for {minutes_words(intervals.HOLD_SECONDS[1])}"
            )
        except SteersmanError as error:
            log.warning("shell_lost: %s", error)
        finally:
            await terminal.close()

    async def _refuse(self, path: str, why: str) -> None:
        with suppress(SteersmanError):
            await self.reporter.client.send("PUT", f"{path}/output?error={quote(why[:500])}", b"")


async def carry(client: Client, path: str, terminal: Terminal) -> None:
    """Carry what is printed and typed until the shell or whoever opened it is gone."""
    printing = asyncio.ensure_future(
        client.send("PUT", f"{path}/output", printed(terminal), timeout=intervals.HOLD_SECONDS[1])
    )
    typing = asyncio.ensure_future(_type(client, path, terminal))
    both: set[asyncio.Future[Any]] = {printing, typing}
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        printing.cancel()
        typing.cancel()
        await asyncio.gather(printing, typing, return_exceptions=True)


async def printed(terminal: Terminal) -> AsyncIterator[bytes]:
    """Yield what the box prints, and something of no meaning when it prints nothing."""
    reading = asyncio.ensure_future(terminal.read())
    try:
        while True:
            await asyncio.wait({reading}, timeout=intervals.SHELL_QUIET_SECONDS)
            if not reading.done():
                yield QUIET
                continue
            if not (data := reading.result()):
                return
            reading = asyncio.ensure_future(terminal.read())
            yield data
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _type(client: Client, path: str, terminal: Terminal) -> None:
    rest = b""
    patience = 4 * intervals.SHELL_QUIET_SECONDS
    async with client.stream("GET", f"{path}/input", timeout=patience) as download:
        async for piece in download.pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(None, lines):
                await _take(json.loads(line), terminal)


async def _take(typed: wire.Typed, terminal: Terminal) -> None:
    if "size" in typed:
        await terminal.resize(Size(*typed["size"]))
    if "data" in typed:
        await terminal.write(base64.b64decode(typed["data"]))
