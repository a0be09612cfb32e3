"""`steer shell`: a terminal in the box of a job that failed and is held."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import click

from steersman.cli import kept_boxes, own_terminal
from steersman.cli.remote import connection, targets
from steersman.cli.remote.connection import Asked, Json, asks, get, path
from steersman.client import Client, patience, patiently
from steersman.core import escapes
from steersman.core.errors import Interrupted, SteersmanError, Unavailable

WARNING = "nothing is masked in here: this shell can read the secrets of the job"
LEAVE = "; `~.` at the beginning of a line leaves it"
QUIET = b"\0"
"""What the server sends when nothing is printed."""
GIVE_UP = 20.0


class Mine(NamedTuple):
    """A shell that was opened, and whether a terminal is here to show it."""

    client: Client
    id: str
    drawn: bool

    def path(self, *parts: str, **query: object) -> str:
        return path("shells", self.id, *parts, **query)


@click.command("shell")
@asks
@click.argument("run", required=False)
@click.argument("job", required=False)
def command(asked: Asked, run: str | None, job: str | None) -> int:
    """Open a shell in the box of a run.

    Without RUN, or with the id of a run of this machine, it is a box that `--no-remove` left
    standing. Else it is that of a server's job that failed, while it is held: `steer trigger
    --hold MINUTES` and `steer retry --hold MINUTES` ask for that beforehand. It is for
    maintainers, and audited. Without a terminal, commands are read from stdin.
    The exit code is 0 when the shell ended, 3 when the connection to it was lost.
    """
    here = kept_boxes.named(run, kept_boxes.working_dir())
    if here is not None or run is None:
        return kept_boxes.enter(here or "")
    connection.run(asked, lambda client: _inside(client, run, job))
    return 0


async def _inside(client: Client, run: str, job: str | None) -> None:
    found = await targets.run(client, run)
    attempt = targets.attempt(found, targets.job(found, job), None)
    address = path("attempts", attempt["id"], "shell")
    drawn = sys.stdin.isatty() and sys.stdout.isatty()
    opened = connection.checked(await client.call("POST", address, _size()), client)
    mine = Mine(client, opened["id"], drawn)
    click.echo(f"[steersman] {WARNING}{LEAVE if drawn else ''}", err=True)
    with own_terminal.raw(sys.stdin.fileno(), drawn=drawn):
        if await _carried(mine):
            return
    how = await get(client, mine.path())
    if how["how"] == "lost":
        hint = f"while the box is held, `steer shell {run}` opens another"
        raise Unavailable(f"the shell was lost: {how['message']}", hint=hint)


def _size() -> Json:
    return own_terminal.size()._asdict()


async def _carried(mine: Mine) -> bool:
    """Carry what is typed and printed, until the shell ends; True when it was left instead."""
    resized = asyncio.Event()
    showing = asyncio.ensure_future(_show(mine))
    typing = asyncio.ensure_future(_type(mine))
    sizing = asyncio.ensure_future(_resize(mine, resized))
    every: set[asyncio.Future[Any]] = {showing, typing, sizing}
    with _signals(mine, resized, showing):
        try:
            while not showing.done() and every:
                done, every = await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
                if any(each.cancelled() for each in done):
                    raise Interrupted("interrupted")
                if any(each.result() for each in done):
                    return True
        finally:
            for each in (showing, typing, sizing):
                each.cancel()
            await asyncio.gather(showing, typing, sizing, return_exceptions=True)
    return False


@contextmanager
def _signals(mine: Mine, resized: asyncio.Event, showing: asyncio.Future[None]) -> Iterator[None]:
    """Note a new size of the terminal, and end in order when we are told to end."""
    loop = asyncio.get_running_loop()
    chosen = [signal.SIGTERM, signal.SIGHUP]
    for number in chosen:
        loop.add_signal_handler(number, showing.cancel)
    if mine.drawn:
        chosen.append(signal.SIGWINCH)
        loop.add_signal_handler(signal.SIGWINCH, resized.set)
    try:
        yield
    finally:
        for number in chosen:
            loop.remove_signal_handler(number)


async def _show(mine: Mine) -> None:
    out = sys.stdout.fileno()
    async with mine.client.stream("GET", mine.path("output"), timeout=60.0) as download:
        async for piece in download.pieces:
            data = piece.replace(QUIET, b"")
            while data:
                data = data[os.write(out, data) :]


async def _type(mine: Mine) -> bool:
    """Send what is typed, and tell whether the shell was left.

    Without a terminal it is the end of the commands that ends the shell.
    """
    number, typed = 0, escapes.Typed()
    async for piece in own_terminal.keys(sys.stdin.fileno()):
        data, ended = piece, False
        if mine.drawn:
            data, typed, ended = escapes.passed(typed, piece)
        if data:
            await _send(mine, number, data)
            number += 1
        if ended:
            # Whoever leaves may do so because the server hangs.
            with suppress(SteersmanError):
                await mine.client.send("DELETE", mine.path(), timeout=3.0)
            return True
    await _send(mine, number, b"\nexit\n")
    return False


async def _send(mine: Mine, number: int, data: bytes) -> None:
    address = mine.path("input", seq=number)
    send = partial(mine.client.send, "PUT", address, data)
    await patiently(send, pause=patience(), give_up_after=GIVE_UP)


async def _resize(mine: Mine, resized: asyncio.Event) -> None:
    while True:
        await resized.wait()
        resized.clear()
        await mine.client.call("PUT", mine.path("resize"), _size())
