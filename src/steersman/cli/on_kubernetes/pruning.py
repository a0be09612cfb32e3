"""`steer prune --on kubernetes`."""

from __future__ import annotations

from pathlib import Path

from steersman.cli.on_kubernetes.objects import Objects, utc
from steersman.cluster.kubernetes import api
from steersman.patience import patience


async def prune(kubeconfig: Path | None, namespace: str | None, *, dry_run: bool) -> list[str]:
    """Remove the pods and Secrets of runs that are over, and say which."""
    cluster = api.connect(patience(), kubeconfig)
    try:
        objects = Objects(cluster, namespace or cluster.namespace)
        left = await (objects.left_behind(utc()) if dry_run else objects.sweep(utc()))
    finally:
        await cluster.close()
    done = "would remove" if dry_run else "removed"
    return [f"{done} {each}" for each in left] or ["no run was left behind"]
