"""The terminal that `steer` itself was started on, lent to a shell in a box."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from steersman.containers.terminals import Size, Terminal
from steersman.core.events import Audience
from steersman.executor.holding import Open

CHUNK = 4096


def size() -> Size:
    """Return its size, within what anybody can mean."""
    columns, rows = shutil.get_terminal_size()
    return Size(min(max(columns, 1), 1000), min(max(rows, 1), 1000))


@contextmanager
def raw(terminal: int, *, drawn: bool = True) -> Iterator[None]:
    """Let every key through, and give the terminal back as it was, whatever happens."""
    if not drawn:
        yield
        return
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal, termios.TCSADRAIN)  # what was typed ahead is not dropped
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


async def keys(source: int) -> AsyncIterator[bytes]:
    """Yield what comes from *source* as it comes, until its end."""
    loop = asyncio.get_running_loop()
    while True:
        ready: asyncio.Future[None] = loop.create_future()
        try:
            loop.add_reader(source, _set, ready)
        except PermissionError:
            ready.set_result(None)  # a file: it can always be read
        try:
            await ready
        finally:
            loop.remove_reader(source)
        if not (data := os.read(source, CHUNK)):
            return
        yield data


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def attend(tell: Audience, enter: Open) -> None:
    """Let whoever sits here into a box, until the shell there ends; *tell* draws nothing then.

    Without a terminal, commands are read from stdin, and their end ends the shell.
    """
    drawn = sys.stdin.isatty() and sys.stdout.isatty()
    with _paused(tell):
        terminal = await enter(size())
        try:
            with raw(sys.stdin.fileno(), drawn=drawn), _resizing(terminal):
                await _carry(terminal, drawn=drawn)
        finally:
            await terminal.close()


@contextmanager
def _paused(tell: Audience) -> Iterator[None]:
    pause, resume = (getattr(tell, name, None) for name in ("pause", "resume"))
    if pause:
        pause()
    try:
        yield
    finally:
        if resume:
            resume()


@contextmanager
def _resizing(terminal: Terminal) -> Iterator[None]:
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Future[Any]]()

    def resized() -> None:
        task = asyncio.ensure_future(terminal.resize(size()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


async def _carry(terminal: Terminal, *, drawn: bool) -> None:
    """Carry what is typed and printed, until the shell ends."""
    typing = asyncio.ensure_future(_type(terminal, drawn=drawn))
    out = sys.stdout.fileno()
    try:
        while data := await terminal.read():
            while data:
                data = data[os.write(out, data) :]
    finally:
        typing.cancel()
        await asyncio.gather(typing, return_exceptions=True)


async def _type(terminal: Terminal, *, drawn: bool) -> None:
    with suppress(OSError):
        async for data in keys(sys.stdin.fileno()):
            await terminal.write(data)
    if not drawn:
        await terminal.write(b"\nexit\n")
