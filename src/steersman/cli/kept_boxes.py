"""`steer shell` on this machine: into the box of a run that was left standing (--no-remove)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from steersman.cli import own_terminal
from steersman.cli.working_dir import WorkingDir
from steersman.containers.docker.door import DockerContainers
from steersman.core import scripts
from steersman.core.errors import UserError
from steersman.executor import holding

HINT = "`steer build --no-remove` leaves one standing; `steer shell RUN` is for a server's run"


def named(run: str | None, working: WorkingDir) -> str | None:
    """Return the run of this machine that is meant, the last one without a name; None for none."""
    if run is not None:
        return run if "/" not in run and (working.builds / run).is_dir() else None
    for name in ("latest", "latest_deploy"):
        link = working.path / name
        if link.is_symlink():
            return os.readlink(link).rpartition("/")[2]
    raise UserError("no run of this machine is here", hint=HINT)


def enter(run_id: str) -> int:
    """Open a shell in the box of a run, with what its steps exported, until it is left."""
    asyncio.run(_enter(run_id))
    return 0


async def _enter(run_id: str) -> None:
    containers = DockerContainers.from_environment()
    try:
        await containers.require()
        box = await containers.kept_box(run_id)
        if box is None:
            raise UserError(f"the box of run {run_id} is not standing any more", hint=HINT)
        sys.stderr.write(
            f"in the box of run {run_id}; `exit` leaves it, `steer prune --all` removes it\n"
        )
        prepare = scripts.enter(f"/{holding.EXPORTS}")
        async with box:
            await own_terminal.attend(lambda event: None, lambda size: box.terminal(prepare, size))
    finally:
        await containers.close()


def working_dir() -> WorkingDir:
    """Return the working directory of the current folder."""
    return WorkingDir(Path(os.environ.get("WERCKER_WORKING_DIR") or ".wercker"))
