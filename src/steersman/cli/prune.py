"""`steer prune`."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from steersman.cli.working_dir import WorkingDir


@click.command("prune")
@click.option(
    "-w",
    "--working-dir",
    envvar="WERCKER_WORKING_DIR",
    default=".wercker",
    show_default=True,
    help="where runs, output and cache are kept",
)
@click.option("--docker-host", envvar="DOCKER_HOST", help="address of the container engine")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="also every run but the last ones, what --no-remove left, the cache and fetched steps",
)
@click.option("-n", "--dry-run", is_flag=True, help="only say what would go")
@click.option(
    "--on",
    "where",
    type=click.Choice(["here", "kubernetes"]),
    default="here",
    show_default=True,
    help="where to look; kubernetes: for pods of `steer run --on kubernetes`",
)
@click.option("--namespace", help="on kubernetes: where the pods are [default: the kubeconfig's]")
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False))
def command(working_dir: str, docker_host: str | None, where: str, **flags: Any) -> int:
    """Remove what killed runs left behind, and old runs.

    Containers, networks, pods and folders of runs that still go on are never touched.
    """
    dry_run, everything = flags["dry_run"], flags["everything"]
    if where == "kubernetes":
        from steersman.cli.on_kubernetes.pruning import prune

        for line in asyncio.run(prune(flags["kubeconfig"], flags["namespace"], dry_run=dry_run)):
            click.echo(line)
        return 0
    working = WorkingDir(Path(working_dir))
    for line in asyncio.run(
        _prune_doors(working, docker_host, dry_run=dry_run, everything=everything)
    ):
        click.echo(line)
    if not dry_run:
        limits: Mapping[str, Any] = {"keep": 0, "max_age": 0.0} if everything else {}
        for name in working.remove_old_runs(time.time(), **limits):
            click.echo(f"removed the folder of run {name}")
    for folder in (working.cache, working.steps, working.projects) if everything else ():
        if folder.exists():
            click.echo(f"{'would remove' if dry_run else 'removed'} {folder}")
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _prune_doors(
    working: WorkingDir, docker_host: str | None, *, dry_run: bool, everything: bool
) -> list[str]:
    from steersman.cli import door
    from steersman.cli.leftovers import remove_dead_runs
    from steersman.core.errors import Unavailable

    lines: list[str] = []
    # Those of other folders are their owners' business.
    kept = [path.name for path in working.builds.glob("*")] if everything else []
    for containers in door.every(working, docker_host):
        try:
            await containers.require()
            gone = await remove_dead_runs(containers, dry_run=dry_run, kept=kept)
            for run_id, kinds in gone.items():
                done = "would remove" if dry_run else "removed"
                if not dry_run:
                    working.drop_half_kept(run_id)
                lines.append(f"{done} run {run_id} on {containers.name}: {', '.join(kinds)}")
        except Unavailable as error:
            lines.append(f"nothing looked at on {containers.name}: {error}")
        finally:
            await containers.close()
    return lines or ["no run was left behind"]
