"""Running git: its own process group, a deadline, and no output larger than was asked for."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from steersman.core.errors import Refused, SteersmanError, Unavailable
from steersman.mirrors.spawning import Process, spawn

PIECE = 64 * 1024
MOST = 16 * 1024 * 1024
"""How much of an answer is taken unless said otherwise."""
GRACE = 2.0
"""Seconds that git has to remove its temporary files when it is stopped."""
_ERRORS = 64 * 1024


class Command(NamedTuple):
    """What to run. *held* are descriptors that stay open in it, and so the lock that one holds."""

    words: Sequence[str]
    environment: Mapping[str, str]
    deadline: float
    held: Sequence[int] = ()


class Done(NamedTuple):
    """How a command ended; *cut* when it had more to say than was asked for."""

    status: int
    out: bytes
    err: str
    cut: bool = False


async def run(command: Command, *, most: int = MOST) -> Done:
    """Run *command* to its end; Unavailable when it takes longer than its deadline."""
    process = await _start(command)
    errors = asyncio.create_task(_errors(process))
    try:
        async with asyncio.timeout(command.deadline):
            out = await _output(process, most)
            if len(out) > most:
                return Done(-1, out[:most], "", cut=True)
            return Done(await process.wait(), out, await errors)
    except TimeoutError:
        raise _too_slow(command) from None
    finally:
        await _end(process, errors)


async def stream(
    command: Command, explain: Callable[[str], SteersmanError]
) -> AsyncGenerator[bytes, None]:
    """Yield what *command* writes, no faster than it is taken; *explain* makes its stderr an error.

    Its deadline is for each piece, as a slow reader is no fault of git.
    """
    process = await _start(command)
    errors = asyncio.create_task(_errors(process))
    try:
        while True:
            async with asyncio.timeout(command.deadline):
                piece = await process.stdout.read(PIECE)
            if not piece:
                break
            yield piece
        if await process.wait():
            raise explain(await errors)
    except TimeoutError:
        raise _too_slow(command) from None
    finally:
        await _end(process, errors)


def _too_slow(command: Command) -> Unavailable:
    verb = next((word for word in command.words[1:] if not word.startswith("-")), "")
    what = f"git {verb} did not end within {command.deadline:g} seconds"
    return Unavailable(what, hint="try again later, or raise the limit")


async def _start(command: Command) -> Process:
    try:
        return await spawn(command.words, command.environment, command.held, PIECE)
    except FileNotFoundError as error:
        raise Refused("git is not installed here", hint="install git 2.31 or newer") from error
    except OSError as error:
        raise Unavailable(f"git cannot be started: {error.strerror}") from error


async def _output(process: Process, most: int) -> bytes:
    out = bytearray()
    while len(out) <= most and (piece := await process.stdout.read(PIECE)):
        out += piece
    return bytes(out)


async def _errors(process: Process) -> str:
    """Read all of stderr, lest git wait for us, and return its last part."""
    kept = b""
    while piece := await process.stderr.read(PIECE):
        kept = (kept + piece)[-_ERRORS:]
    return kept.decode(errors="replace")


async def _end(process: Process, errors: asyncio.Task[str]) -> None:
    """See to it that nothing of *process* is left, whatever state it is in."""
    if process.returncode is not None and errors.done():
        return
    try:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await _drained(process, errors)
    finally:
        # The group outlives its leader when a helper does not listen.
        _signal(process, signal.SIGKILL)
    await _drained(process, errors)


async def _drained(process: Process, errors: asyncio.Task[str]) -> None:
    while await process.stdout.read(PIECE):
        pass
    await asyncio.shield(errors)
    await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
