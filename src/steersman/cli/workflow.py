"""`steer workflow`."""

from __future__ import annotations

from typing import Any

import click

from steersman.cli import completing
from steersman.cli.options import workflow_options


@click.command("workflow")
@click.argument("name", shell_complete=completing.workflows)
@click.argument("target", default=".", required=False)
@workflow_options
def command(name: str, target: str, **flags: Any) -> int:
    """Run the workflow NAME on the folder TARGET, several of its pipelines at once.

    Each pipeline begins with the output of the one it requires, or else with that one's source.
    One that fails holds up only what requires it. `--from PIPELINE` takes up the last run there.
    """
    from steersman.cli import running
    from steersman.cli.workflows.running import named

    project = running.project_of(target, flags)
    return named(name, project, running.read_config(project, flags), flags)
