"""`steer run`."""

from __future__ import annotations

from typing import Any

import click

from steersman.cli import completing
from steersman.cli.options import anywhere_options


@click.command("run")
@click.argument(
    "name",
    default="build",
    required=False,
    envvar="WERCKER_PIPELINE",
    shell_complete=completing.both,
)
@click.argument("target", default=".", required=False)
@anywhere_options
def command(name: str, target: str, **flags: Any) -> int:
    """Run the workflow or pipeline NAME (`build`) on the folder TARGET, here or in a pod.

    Here it is `steer workflow NAME` where the file has such a workflow, else `steer build
    --pipeline NAME`. With --on kubernetes the source of a pipeline is brought into a pod of the
    cluster that your kubeconfig names, where it runs as a job of a server would; no server is
    needed. What it prints is shown as it comes, its output is brought home as after `steer
    build`, and the pod is removed.
    """
    flags["pipeline"] = name
    if flags["where"] == "kubernetes":
        from steersman.cli.on_kubernetes.running import run_in_pod

        return run_in_pod(target, flags)
    from steersman.cli import running
    from steersman.core.errors import UserError
    from steersman.core.variables import Command

    project = running.project_of(target, flags)
    config = running.read_config(project, flags)
    if any(each.name == name for each in config.workflows):
        from steersman.cli.workflows.running import named

        for flag in ("checkpoint", "commit", "attach_on_error"):
            if flags[flag]:
                words = f"--{flag.replace('_', '-')}"
                raise UserError(f"{name} is a workflow, which has many boxes: {words} is for one")
        return named(name, project, config, flags)
    if flags["first"] is not None or flags["parallel"] is not None:
        raise UserError(
            f"{name} is no workflow, so that --from and --parallel mean nothing for it",
            hint="leave them out",
        )
    return running.run_read(Command.BUILD, project, config, flags)
