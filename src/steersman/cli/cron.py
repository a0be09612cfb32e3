"""`steer cron`: launch Jobs of a cluster, or commands, by schedules; and the commands around it."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from steersman.cli import cron_flags

BELOW = {
    "lint": "cron_looking:lint",
    "next": "cron_looking:following",
    "forecast": "cron_looking:forecast",
    "explain": "cron_ledger:explain",
    "ledger": "cron_ledger:ledger",
    "status": "cron_ledger:status",
    "output": "cron_output:output",
    "trigger": "cron_asking:trigger",
    "pause": "cron_asking:pause",
    "resume": "cron_asking:resume",
    "backfill": "cron_asking:backfill",
}


class Lazy(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(BELOW)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in BELOW:
            return None
        module, _, attribute = BELOW[cmd_name].partition(":")
        found: click.Command = getattr(import_module(f"steersman.cli.{module}"), attribute)
        return found


@click.group("cron", cls=Lazy, invoke_without_command=True)
@click.option("--debug", is_flag=True, envvar="CRONETES_DEBUG", help="write more into the log")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=["STEERSMAN_CRON_CONFIG", "CRONETES_CONFIG"],
    help="the schedules [default: stdin, when it is no terminal]",
)
@click.option("--timezone", help="zone of schedules that name none [default: TZ, or the machine's]")
@cron_flags.ledger
@click.option("--name", default="steersman", show_default=True, help="which cron of a namespace")
@click.option("--rate", default=50.0, show_default=True, help="most launches a second, 0: no limit")
@click.option("--listen", metavar="HOST:PORT", help="serve /metrics and /healthz there")
@click.option("--alarm-url", envvar="STEERSMAN_CRON_ALARM_URL", help="webhook that hears of alarms")
@click.option("--strict", is_flag=True, help="refuse a configuration with warnings")
@click.option("--no-random-slug", "slug_flag", is_flag=True, help="accepted for Cronetes' sake")
@cron_flags.cluster
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int | None:
    """Launch Jobs of a cluster, or commands here, when their time has come, once each.

    Any number of instances may run on one ledger; one of them leads. A configuration of Cronetes
    works unchanged.
    """
    values["cluster"] = cron_flags.taken(values)
    ctx.obj = values
    if ctx.invoked_subcommand is not None:
        return None
    start_logging(debug=values["debug"])
    if values["slug_flag"]:
        warn_of_slug()
    return daemon(values)


def daemon(values: dict[str, Any]) -> int:
    """Run cron until it is told to stop."""
    from steersman.cli import cron_parts, cron_running

    source = cron_parts.source(values["config"], values["timezone"])
    text = source.text()
    found = cron_parts.checked(source.read(text))
    if values["strict"] and found.problems:
        from steersman.core.errors import InvalidFile

        raise InvalidFile(found.problems)
    wishes = cron_running.Wishes(
        source,
        values["ledger"],
        values["cluster"],
        values["name"],
        values["rate"],
        values["listen"],
        values["alarm_url"],
    )
    asyncio.run(cron_running.run(wishes, text, found.entries or {}))
    return 0


def warn_of_slug() -> None:
    """Say what became of a flag of Cronetes that did the reverse of its name."""
    click.echo(
        "warning: --no-random-slug changes nothing: names end with twelve digits made from the "
        "instant, so that no launch is doubled and none collides",
        err=True,
    )


def start_logging(*, debug: bool) -> None:
    """Write the log to stderr, one line each."""
    level = logging.DEBUG if debug else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Each request of the HTTP library would be a line.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("httpcore2").setLevel(logging.WARNING)
