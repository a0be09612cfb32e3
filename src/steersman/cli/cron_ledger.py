"""`steer cron explain`, `ledger` and `status`: what the ledger says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import click

from steersman.core.errors import NotFound
from steersman.cron.ledger.base import Ledger


@contextlib.asynccontextmanager
async def opened(values: dict[str, Any]) -> AsyncIterator[Ledger]:
    """Open the ledger that the flags name."""
    from steersman.cli import cron_launching, cron_parts
    from steersman.cluster.kubernetes.api import Api

    where = cron_launching.ledger_of(values)
    if not cron_parts.is_there(where):
        hint = "name by --ledger what `steer cron` was started with"
        raise NotFound(f"there is no ledger at {where}", hint=hint)
    apis: list[Api] = []

    def api() -> Api:
        apis.append(cron_parts.connect(values["cluster"]))
        return apis[0]

    ledger = cron_parts.open_ledger(where, values["cluster"], api)
    try:
        yield ledger
    finally:
        await ledger.close()
        for each in apis:
            await each.close()


def unknown(name: str, known: Iterable[str]) -> NotFound:
    """Return the error for a schedule that nobody has seen."""
    some = ", ".join(sorted(known)[:10])
    hint = f"known are {some}" if some else "it knows none: `steer cron` has never run with it"
    return NotFound(f"the ledger knows no schedule {name!r}", hint=hint)


@click.command("explain")
@click.argument("name")
@click.argument("instant")
@click.pass_context
def explain(ctx: click.Context, name: str, instant: str) -> int:
    """Say why a schedule ran at an instant, when and by whom, or why not.

    With a configuration it also says why an instant has no row.
    """
    from steersman.cli.cron_asking import moment

    for line in asyncio.run(_explained(ctx.obj, name, moment(instant))):
        click.echo(line)
    return 0


async def _explained(values: dict[str, Any], name: str, instant: int) -> list[str]:
    from steersman.cli import cron_parts
    from steersman.core.schedules import explaining
    from steersman.cron.ledger.base import Wanted

    async with opened(values) as ledger:
        rows = await ledger.rows(Wanted(name, holding=instant))
        cursors = {each.schedule: each for each in await ledger.cursors()}
    if rows:
        return [f"{name} at {explaining.stamp(instant)}: {explaining.row(row)}" for row in rows]
    schedule = None
    if values["config"] is not None:
        source = cron_parts.source(values["config"], values["timezone"])
        entry = (source.read(source.text(), lint=False).entries or {}).get(name)
        schedule = entry.schedule if entry else None
    elif name in cursors:
        return [f"{name} at {explaining.stamp(instant)}: no row; --config would say why"]
    if schedule is None and name not in cursors:
        raise unknown(name, cursors)
    why = explaining.absent(schedule, cursors.get(name), instant, time.time())
    return [f"{name} at {explaining.stamp(instant)}: {why}"]


@click.command("ledger")
@click.argument("name", required=False)
@click.option("--state", "states", multiple=True, help="planned, claimed, fired, skipped, missed")
@click.option("--since", help="from this instant on")
@click.option("--until", help="up to this instant")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--json", "as_json", is_flag=True, help="one object a line")
@click.pass_context
def ledger(  # noqa: PLR0913 - each is a flag
    ctx: click.Context,
    name: str | None,
    states: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    *,
    as_json: bool,
) -> int:
    """List rows of the ledger, the newest first."""
    from steersman.cli.cron_asking import moment, state
    from steersman.core.schedules import explaining
    from steersman.cron.ledger import plain
    from steersman.cron.ledger.base import Wanted

    wanted = Wanted(
        name,
        frozenset(map(state, states)),
        None if since is None else moment(since),
        None if until is None else moment(until),
        None,
        limit,
    )

    async def rows() -> list[Any]:
        async with opened(ctx.obj) as found:
            return await found.rows(wanted)

    for row in asyncio.run(rows()):
        if as_json:
            click.echo(json.dumps(plain.of_fire(row)))
        else:
            stamp = explaining.stamp(row.instant)
            click.echo(f"{stamp}  {row.schedule}  {explaining.row(row)}")
    return 0


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="one object a line")
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> int:
    """Say who leads, and how each schedule stands: last fired, last success, pause."""
    from steersman.cron.ledger import plain

    async def look() -> tuple[Any, list[Any]]:
        async with opened(ctx.obj) as found:
            return await found.leader(), await found.cursors()

    term, cursors = asyncio.run(look())
    if as_json:
        for each in cursors:
            click.echo(json.dumps(plain.of_cursor(each)))
        return 0
    if term is None or not term.holder or term.until < time.time():
        click.echo("nobody leads")
    else:
        click.echo(f"{term.holder} leads (leadership {term.fence})")
    for each in cursors:
        click.echo(_standing(each))
    return 0


def _standing(cursor: Any) -> str:
    from steersman.core.schedules import explaining

    fired = explaining.stamp(cursor.last_fired) if cursor.last_fired is not None else "never"
    success = explaining.stamp(cursor.last_success) if cursor.last_success else "never"
    line = f"{cursor.schedule}: last fired {fired}, last success {success}"
    if cursor.failures:
        line += f", {cursor.failures} failures in a row"
    if cursor.pause is not None:
        line += f", paused by {cursor.pause.by}"
        line += f": {cursor.pause.reason}" if cursor.pause.reason else ""
        line += f", until {explaining.stamp(cursor.pause.until)}" if cursor.pause.until else ""
    return line
