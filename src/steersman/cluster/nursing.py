"""The worker's end of a nursery: started when it is needed, and again when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from steersman.core.errors import Refused, Unavailable

STARTING = 60.0
ANSWERING = 30.0
LEAVING = 5.0


class Upbringing(NamedTuple):
    """What a nursery is started with.

    *environment* is all that runners inherit: nothing of the worker's secrets belongs in there.
    """

    entry: str
    modules: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class _Live(NamedTuple):
    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Nursery:
    """Asks one request at a time; a nursery that does not answer is replaced."""

    def __init__(self, upbringing: Upbringing) -> None:
        self._with = upbringing
        self._live: _Live | None = None
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Return the process of the nursery there is."""
        return self._live.process.pid if self._live else None

    async def bear(self, folder: Path, user: str | None) -> None:
        """Let a runner live in *folder*; where it had one already nothing happens."""
        request = {"folder": str(folder), "user": user}
        async with self._lock:
            try:
                answer = await self._ask(request)
            except Unavailable:
                # It died since the last request. Asking twice is harmless: `alive` is made once.
                answer = await self._ask(request)
        if "refused" in answer:
            raise Refused(answer["refused"], hint=answer["hint"])
        if "failed" in answer:
            hint = "is the disk full, or a limit on processes reached?"
            raise Unavailable(f"a runner cannot be started: {answer['failed']}", hint=hint)

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._live is None:
            self._live = await self._start()
        try:
            self._live.writer.write(json.dumps(request).encode() + b"\n")
            return await self._answer(self._live, ANSWERING)
        except BaseException:
            # Its answer may still come, and would be taken for the next one's.
            await self._drop()
            raise

    async def _answer(self, live: _Live, within: float) -> dict[str, Any]:
        what = "the nursery, from which runners are forked,"
        hint = f"{self._with.log} may say why"
        try:
            async with asyncio.timeout(within):
                line = await live.reader.readline()
        except TimeoutError:
            raise Unavailable(f"{what} does not answer", hint=hint) from None
        except OSError as error:
            raise Unavailable(f"{what} is gone: {error}", hint=hint) from error
        if not line.endswith(b"\n"):
            raise Unavailable(f"{what} is gone", hint=hint)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _start(self) -> _Live:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await self._spawn(theirs.fileno())
        except OSError as error:
            ours.close()
            what = f"the nursery of runners cannot be started: {error}"
            raise Unavailable(what, hint="is memory short, or the disk full?") from error
        except BaseException:
            ours.close()
            raise
        live = _Live(process, *await asyncio.open_connection(sock=ours))
        try:
            await self._answer(live, STARTING)
        except BaseException:
            await _let_go(live)
            raise
        return live

    async def _spawn(self, control: int) -> Process:
        entry, modules, environment, log = self._with
        words = [sys.executable, "-P", "-m", "steersman.cluster.nursery", str(control), entry]
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *words,
                *modules,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd="/",
                pass_fds=(control,),
                start_new_session=True,
            )
        finally:
            os.close(output)

    async def _drop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            await _let_go(live)

    async def close(self) -> None:
        """Let the nursery end; its runners go on."""
        await self._drop()


async def _let_go(live: _Live) -> None:
    """Close our end, at which a nursery ends; kill one that does not."""
    live.writer.close()
    with contextlib.suppress(OSError):
        await live.writer.wait_closed()
    try:
        async with asyncio.timeout(LEAVING):
            await live.process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            live.process.kill()
        await live.process.wait()
