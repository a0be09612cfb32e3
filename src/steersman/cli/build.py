"""`steer build`."""

from __future__ import annotations

from typing import Any

import click

from steersman.cli.options import run_options


@click.command("build")
@click.argument("target", default=".", required=False)
@run_options
def command(target: str, **flags: Any) -> int:
    """Run a pipeline (`build`, or --pipeline) on the folder TARGET."""
    from steersman.cli.running import run_pipeline
    from steersman.core.variables import Command

    return run_pipeline(Command.BUILD, target, flags)
