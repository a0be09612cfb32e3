"""`steer up`: the whole platform on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from steersman.cli.server_flags import ServerFlags, server_flags
from steersman.cli.server_opening import Opened, data_folder, locked, opened, run, say

if TYPE_CHECKING:
    from steersman.cli.worker_parts import WorkerFlags

WORKER = "local"


@click.command("up")
@server_flags
@click.option(
    "--slots",
    type=click.IntRange(min=1, max=1000),
    default=None,
    help="how many jobs run at once [default: one for each processor]",
)
@click.option(
    "--on",
    "where",
    type=click.Choice(["containers", "host"]),
    default="containers",
    show_default=True,
    help="where jobs run; host: directly on this machine, only for code you trust",
)
@click.option("--host-user", help="with --on host: the user that jobs run as")
@click.option("--docker-host", envvar="DOCKER_HOST", help="address of the container engine")
@click.option("--docker", is_flag=True, help="allow `docker: true`: jobs may rule the engine")
def command(
    said: ServerFlags,
    *,
    slots: int | None,
    where: str,
    host_user: str | None,
    docker_host: str | None,
    docker: bool,
) -> int:
    """Bring the whole platform up on this machine: server, worker and runners."""
    from steersman.cli.worker_parts import WorkerFlags

    flags = WorkerFlags(
        name=WORKER,
        slots=slots or os.cpu_count() or 1,
        where=where,
        host_user=host_user,
        docker_host=docker_host,
        docker=docker,
    )
    folder = data_folder(said.data)
    with locked(folder):
        server = opened(folder, said)
        # Runners of another user must reach their folders; everything else in there is ours.
        folder.chmod(0o711 if host_user else 0o700)
        return run(_up(server, flags))


async def _up(server: Opened, flags: WorkerFlags) -> int:
    from steersman.cli import worker_parts
    from steersman.cli.serving import serve
    from steersman.server import first_start

    # What cannot work is said before a token is made that nobody would see.
    await worker_parts.check(flags)
    token = await first_start.admin_token(server.parts)
    kept = server.folder / "keys" / "worker-token"
    known = kept.read_text().strip() if kept.exists() else None
    worker_token = await first_start.worker_token(server.parts, WORKER, known)
    if worker_token != known:
        worker_parts.keep_token(kept, worker_token)
    host, port = server.at.getsockname()[:2]
    local = f"http://{'[' + host + ']' if ':' in host else host}:{port}"

    async def work() -> None:
        say(server, token, f"jobs run {worker_parts.words(flags)}, {flags.slots} at once")
        await worker_parts.work(local, worker_token, server.folder, flags)

    await serve(server.parts, server.at, work)
    return 0
