"""`steer run`."""

from __future__ import annotations

from typing import Any

import click

from steersman.cli.options import anywhere_options


@click.command("run")
@click.argument("pipeline", default="build", required=False, envvar="WERCKER_PIPELINE")
@click.argument("target", default=".", required=False)
@anywhere_options
def command(pipeline: str, target: str, **flags: Any) -> int:
    """Run PIPELINE (`build`) on the folder TARGET, here or in a pod of a Kubernetes cluster.

    Here it is `steer build --pipeline PIPELINE`. With --on kubernetes the source is brought into
    a pod of the cluster that your kubeconfig names, where it runs as a job of a server would; no
    server is needed. What it prints is shown as it comes, its output is brought home as after
    `steer build`, and the pod is removed.
    """
    flags["pipeline"] = pipeline
    if flags["where"] == "kubernetes":
        from steersman.cli.on_kubernetes.running import run_in_pod

        return run_in_pod(target, flags)
    from steersman.cli.running import run_pipeline
    from steersman.core.variables import Command

    return run_pipeline(Command.BUILD, target, flags)
