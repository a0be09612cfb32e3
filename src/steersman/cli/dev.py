"""`steer dev`."""

from __future__ import annotations

from typing import Any

import click

from steersman.cli.options import dev_options


@click.command("dev")
@click.argument("target", default=".", required=False)
@dev_options
def command(target: str, **flags: Any) -> int:
    """Run a pipeline (`dev`, or --pipeline) on the folder TARGET itself, to work on it.

    The box has the project itself in it, not a copy, and its ports are published. The steps
    `internal/watch` and `internal/shell` are made for this. Ctrl-C ends it all.
    """
    from steersman.cli.running import run_pipeline
    from steersman.core.variables import Command

    flags["pipeline"] = flags["pipeline"] or "dev"
    return run_pipeline(Command.BUILD, target, flags)
