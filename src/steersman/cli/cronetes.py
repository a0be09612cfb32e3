"""`steer cronetes`: the command line of Cronetes as it was, flags before the command and all.

`steer cronetes --kube-in-cluster cron --config=/config.yml` is what a Deployment of it said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from steersman.cli import cron, cron_flags, reap

_SWITCHES = ("--no-random-slug", "--no-delete-dependents")


class Old(click.Group):
    """Takes `-flag` for `--flag`, and `--switch=false`, as Go's library did."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, old_words(args))


def old_words(args: Sequence[str]) -> list[str]:
    """Return *args* as we read them: two dashes, and switches without a value."""
    found: list[str] = []
    for word in args:
        if word.startswith("-") and not word.startswith("--") and len(word) > 2:
            word = f"-{word}"
        name, equals, value = word.partition("=")
        if name in _SWITCHES and equals:
            if value.lower() in ("true", "1", "t"):
                found.append(name)
            else:
                click.echo(f"warning: {word} is taken as if {name} were not given", err=True)
            continue
        found.append(word)
    return found


@click.group("cronetes", cls=Old)
@click.option("--debug", is_flag=True, envvar="CRONETES_DEBUG")
@cron_flags.cluster
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """Take the command line of Cronetes as it was."""
    ctx.obj = values


@command.command("cron")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), envvar="CRONETES_CONFIG")
@click.option("--no-random-slug", "slug", is_flag=True)
@cron_flags.ledger
@click.pass_context
def _cron(ctx: click.Context, config: Path | None, ledger: str, *, slug: bool) -> int:
    values = ctx.obj
    values["cluster"] = cron_flags.taken(values)
    cron.start_logging(debug=values["debug"])
    if slug:
        cron.warn_of_slug()
    usual = {parameter.name: parameter.default for parameter in cron.command.params}
    more = {"config": config, "ledger": ledger, "strict": False, "listen": None, "timezone": None}
    kept = {"name": usual["name"], "rate": usual["rate"], "alarm_url": None}
    return cron.daemon({**values, **kept, **more})


@command.command("reap")
@click.option("--age", type=reap.Duration(), default="24h", show_default=True)
@click.option("--no-delete-dependents", "keep_pods", is_flag=True)
@click.pass_context
def _reap(ctx: click.Context, age: float, *, keep_pods: bool) -> int:
    values = ctx.obj
    more = {"succeeded": age, "failed": age, "keep_succeeded": None, "keep_failed": None}
    more["log_bytes"] = None
    kept = {"rate": 100.0, "dry_run": False, "orphans": True, "keep_pods": keep_pods, "age": age}
    return reap.reap({**values, **more, **kept})
