"""`steer cron trigger`, `pause`, `resume` and `backfill`: requests that the leader answers."""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from datetime import UTC, datetime
from typing import Any

import click

from steersman.cli.cron_ledger import opened, unknown
from steersman.core.errors import NotFound, UserError
from steersman.core.schedules.fires import State
from steersman.cron.ledger.base import Asking, Request

MOST = 10_000


def moment(text: str) -> int:
    """Read an instant: RFC 3339, or seconds since the epoch; without a zone it is UTC."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "write for example 2026-12-24T18:00:00+01:00"
        raise UserError(f"{text!r} is no instant", hint=hint) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def state(text: str) -> State:
    """Read a state of the ledger."""
    try:
        return State(text)
    except ValueError:
        raise UserError(f"{text!r} is no state", hint=", ".join(map(str, State))) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _request(asking: Asking, name: str, reason: str, **more: Any) -> Request:
    return Request(os.urandom(8).hex(), asking, name, _user(), reason, time.time(), **more)


async def _ask(values: dict[str, Any], request: Request) -> None:
    async with opened(values) as ledger:
        known = {each.schedule for each in await ledger.cursors()}
        if request.schedule not in known:
            raise unknown(request.schedule, known)
        await ledger.ask(request)


@click.command("trigger")
@click.argument("name")
@click.option("--reason", default="", help="why; it is kept with the row")
@click.pass_context
def trigger(ctx: click.Context, name: str, reason: str) -> int:
    """Launch a schedule now, besides its own instants."""
    asyncio.run(_ask(ctx.obj, _request(Asking.TRIGGER, name, reason)))
    click.echo(f"asked for a launch of {name}")
    return 0


@click.command("pause")
@click.argument("name")
@click.option("--until", help="when it goes on by itself")
@click.option("--reason", required=True, help="why; whoever looks at the schedule reads it")
@click.pass_context
def pause(ctx: click.Context, name: str, until: str | None, reason: str) -> int:
    """Launch nothing of a schedule; instants meanwhile are skipped, never missed."""
    end = None if until is None else float(moment(until))
    asyncio.run(_ask(ctx.obj, _request(Asking.PAUSE, name, reason, until=end)))
    click.echo(f"asked to pause {name}")
    return 0


@click.command("resume")
@click.argument("name")
@click.option("--reason", default="")
@click.pass_context
def resume(ctx: click.Context, name: str, reason: str) -> int:
    """Let a paused schedule go on."""
    asyncio.run(_ask(ctx.obj, _request(Asking.RESUME, name, reason)))
    click.echo(f"asked to resume {name}")
    return 0


@click.command("backfill")
@click.argument("name")
@click.argument("since")
@click.argument("until")
@click.option("-n", "--dry-run", is_flag=True, help="only say which instants would be launched")
@click.option("--again", is_flag=True, help="also those that were fired")
@click.option("--reason", default="")
@click.pass_context
def backfill(  # noqa: PLR0913 - each is a flag
    ctx: click.Context,
    name: str,
    since: str,
    until: str,
    reason: str,
    *,
    dry_run: bool,
    again: bool,
) -> int:
    """Launch the instants of a schedule between two times of the past; needs --config.

    Instants that were fired are left out unless --again is given.
    """
    start, end = moment(since), moment(until)
    instants = asyncio.run(_missing(ctx.obj, name, (start, end), again=again))
    if dry_run:
        from steersman.core.schedules import explaining

        for instant in instants:
            click.echo(f"would launch {name} at {explaining.stamp(instant)}")
        click.echo(f"{len(instants)} instants")
        return 0
    if instants:
        request = _request(Asking.BACKFILL, name, reason, instants=tuple(instants))
        asyncio.run(_ask(ctx.obj, request))
    click.echo(f"asked for {len(instants)} launches of {name}")
    return 0


async def _missing(
    values: dict[str, Any], name: str, bounds: tuple[int, int], *, again: bool
) -> list[int]:
    from steersman.cli import cron_parts
    from steersman.core.schedules import timetables
    from steersman.cron.ledger.base import Wanted

    start, end = bounds
    if end > time.time():
        raise UserError("a backfill ends in the past", hint="what is to come is launched anyway")
    source = cron_parts.source(values["config"], values["timezone"])
    entry = (source.read(source.text(), lint=False).entries or {}).get(name)
    if entry is None:
        raise NotFound(f"there is no schedule {name!r} in {source.name}")
    tables = entry.schedule.tables
    count = timetables.count_of(tables, start - 1, end)
    if count > MOST:
        raise UserError(f"these are {count} instants", hint=f"at most {MOST} at once")
    fired: set[int] = set()
    if not again:
        async with opened(values) as ledger:
            wanted = Wanted(name, frozenset({State.FIRED}), start, end, None, 10 * MOST)
            fired = {row.instant for row in await ledger.rows(wanted)}
    return [each for each in timetables.between(tables, start - 1, end) if each not in fired]
