"""`steer cron output`: what the command of an instant has said."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from steersman.core.errors import NotFound


@click.command("output")
@click.argument("name")
@click.argument("instant")
@click.pass_context
def output(ctx: click.Context, name: str, instant: str) -> int:
    """Print the end of what a command said at an instant, also while it runs."""
    from steersman.cli.cron_asking import moment

    for piece in asyncio.run(_said(ctx.obj, name, moment(instant))):
        sys.stdout.buffer.write(piece)
    return 0


async def _said(values: dict[str, Any], name: str, instant: int) -> list[bytes]:
    from steersman.cli import cron_launching
    from steersman.cli.cron_ledger import opened
    from steersman.core.schedules import explaining
    from steersman.cron.ledger.base import Wanted
    from steersman.cron.processes import records

    folder = cron_launching.folder(cron_launching.ledger_of(values))
    async with opened(values) as ledger:
        rows = await ledger.rows(Wanted(name, holding=instant))
    runs = [row.run for row in rows if row.run]
    if not runs:
        message = f"nothing of {name!r} was launched at {explaining.stamp(instant)}"
        raise NotFound(message, hint="`steer cron ledger` lists the instants there are")
    found = [records.output(folder / run) for run in runs]
    kept = [piece for piece in found if piece is not None]
    if not kept:
        hint = "it is kept for an hour after a success, and for a day after a failure"
        raise NotFound(f"the output of {', '.join(runs)} is gone", hint=hint)
    return kept
