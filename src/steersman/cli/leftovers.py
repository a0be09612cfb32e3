"""Removes what runs left behind whose process is dead."""

from __future__ import annotations

from collections.abc import Collection

from steersman.containers import owners
from steersman.containers.base import Containers
from steersman.core.leftovers import dead_runs


async def remove_dead_runs(
    containers: Containers, *, dry_run: bool = False, kept: Collection[str] = ()
) -> dict[str, list[str]]:
    """Remove what dead runs left at this door; return their ids with the kinds of what stood.

    *kept* are runs that were left standing on purpose (--no-remove) and are to go too.
    """
    seen = await containers.leftovers()
    dead = dead_runs(seen, host=owners.host(), started=owners.started, kept=kept)
    for run_id in dead if not dry_run else ():
        await containers.remove(run_id)
    return {run_id: [item.kind for item in seen if item.run_id == run_id] for run_id in dead}
