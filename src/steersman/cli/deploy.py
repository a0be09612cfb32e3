"""`steer deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from steersman.cli.options import run_options


@click.command("deploy")
@click.argument("target", required=False)
@run_options
def command(target: str | None, **flags: Any) -> int:
    """Run a pipeline (`deploy`, or --pipeline) on the output of the last build.

    Without TARGET that is the output of the last `steer build` if there is one, else this folder.
    """
    from steersman.cli.running import run_pipeline
    from steersman.core.variables import Command

    if target is None:
        output = Path(flags["working_dir"]) / "latest" / "output"
        target = str(output) if output.is_dir() else "."
        if output.is_dir() and not flags["quiet"]:
            click.echo(f"using the output of the last build: {output.resolve()}", err=True)
    return run_pipeline(Command.DEPLOY, target, flags)
