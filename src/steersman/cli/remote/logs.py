"""`steer logs`: the very bytes of a log, also while they come."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import click

from steersman.cli.remote import connection, happenings, targets
from steersman.cli.remote.connection import Asked, Json, asks, get, path
from steersman.client import Away, Client, patience, patiently
from steersman.core.errors import Interrupted, NotFound, UserError

SILENCE = 60.0
"""Seconds without a byte after which a connection counts as lost; a step may well be silent."""
GIVE_UP = 300.0
TAIL = 64 * 1024
Write = Callable[[bytes], object]


class Wanted(NamedTuple):
    """Which log of a run: *step* and *tail* say which part of it."""

    job: str | None = None
    attempt: int | None = None
    step: str | None = None
    tail: int | None = None
    follow: bool = False


class Span(NamedTuple):
    """The part of a log from *start* to *stop*; None is its end, which may be still to come."""

    start: int = 0
    stop: int | None = None


@click.command("logs")
@asks
@click.argument("run")
@click.argument("job", required=False)
@click.option("-f", "--follow", is_flag=True, help="go on until the log ends")
@click.option("--attempt", type=click.IntRange(min=1), help="the attempt [default: the newest]")
@click.option("--step", help="only what this step wrote, by its name or number")
@click.option("--tail", type=click.IntRange(0, 100_000), help="only the last lines, so many")
def command(asked: Asked, run: str, **said: object) -> None:
    """Print the log of a job, byte for byte.

    RUN is its id, PROJECT/NUMBER, or PROJECT for the newest. JOB may be left out where there is
    only one.
    """
    wanted = Wanted(**said)  # type: ignore[arg-type]
    if wanted.step and (wanted.follow or wanted.tail is not None):
        raise UserError("--step goes with neither --follow nor --tail", hint="leave one out")
    try:
        connection.run(asked, lambda client: _print(client, run, wanted))
    except KeyboardInterrupt:
        raise Interrupted(f"left the log; the run {run} goes on by itself") from None


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


async def _print(client: Client, run: str, wanted: Wanted) -> None:
    found = await targets.run(client, run)
    if wanted.follow:
        found = await _begun(client, found, wanted.job)
    job = targets.job(found, wanted.job)
    identity = targets.attempt(found, job, wanted.attempt)["id"]
    attempt = await get(client, path("attempts", identity))
    span = Span(stop=None if wanted.follow else attempt["log_size"])
    if wanted.step is not None:
        span = _of_step(attempt, wanted.step)
    elif wanted.tail is not None:
        start = await _tail(client, attempt, wanted.tail)
        span = span._replace(start=start)
    await copy(client, identity, span, _write)


async def _begun(client: Client, run: Json, name: str | None) -> Json:
    """Wait until the job has an attempt, or never will."""
    async for seen in happenings.looks(client, run["id"]):
        job = targets.job(seen, name)
        if job["attempts"] or job["state"] in happenings.FINAL:
            return seen
    return run


def _of_step(attempt: Json, wanted: str) -> Span:
    step = targets.step(attempt, wanted)
    stop = step["log_stop"]
    return Span(step["log_start"], attempt["log_size"] if stop is None else stop)


async def _tail(client: Client, attempt: Json, lines: int) -> int:
    """Return where the last *lines* of a log begin: read from its end, more each time."""
    size: int = attempt["log_size"]
    length = TAIL
    while lines and size:
        start = max(0, size - length)
        data = bytearray()
        await copy(client, attempt["id"], Span(start, size), data.extend)
        place = _begin(bytes(data), lines)
        if place is not None or start == 0:
            return start + (place or 0)
        length *= 4
    return size


def _begin(data: bytes, lines: int) -> int | None:
    """Return where the last *lines* of *data* begin; None when it holds less."""
    place = len(data) - 1 if data.endswith(b"\n") else len(data)
    for _ in range(lines):
        place = data.rfind(b"\n", 0, place)
        if place < 0:
            return None
    return place + 1


async def copy(client: Client, attempt: str, span: Span, write: Write) -> None:
    """Write a part of a log; after a lost connection go on where it broke off.

    Without an end, go on until the log is closed.
    """
    at, tries, pause = span.start, 0, patience()
    address = path("attempts", attempt)
    while span.stop is None or at < span.stop:
        came = await _once(client, attempt, Span(at, span.stop), write)
        at += came
        row = await patiently(lambda: get(client, address), pause=pause, give_up_after=GIVE_UP)
        end = row["log_size"] if span.stop is None else min(span.stop, row["log_size"])
        if at >= end and (row["log_closed"] or span.stop is not None):
            return
        tries = 0 if came else tries + 1
        if not came:
            await pause.sleep(pause.pause(tries))


async def _once(client: Client, attempt: str, span: Span, write: Write) -> int:
    """Write what one connection gives of *span*, and return how much that was."""
    came = 0
    follow = "true" if span.stop is None else None
    address = path("attempts", attempt, "log", offset=span.start, follow=follow)
    headers = {} if span.stop is None else {"Range": f"bytes={span.start}-{span.stop - 1}"}
    try:
        async with client.stream("GET", address, headers, timeout=SILENCE) as answer:
            async for piece in answer.pieces:
                write(piece)
                came += len(piece)
    except Away:
        return came
    except NotFound as error:
        error.hint = error.hint or "was its run removed meanwhile?"
        raise
    return came
