"""`steer worker run`: a worker of this machine for a server elsewhere."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from steersman.core.errors import UserError


@click.command("run")
@click.option("--server", envvar="STEERSMAN_SERVER", required=True, help="address of the server")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="file with the worker's token [default: STEERSMAN_WORKER_TOKEN]",
)
@click.option("--name", default=None, help="name of this worker [default: the machine's]")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="STEERSMAN_WORKER_DATA",
    default=Path("/var/lib/steersman-worker"),
    show_default=True,
    help="folder of its runners; the next worker on it takes them over",
)
@click.option("--slots", type=click.IntRange(min=1, max=1000), default=None)
@click.option("--pool", "pools", multiple=True, default=("default",), show_default=True)
@click.option("--on", "where", type=click.Choice(["containers", "host"]), default="containers")
@click.option("--host-user", help="with --on host: the user that jobs run as")
@click.option("--docker-host", envvar="DOCKER_HOST")
@click.option("--docker", is_flag=True, help="allow `docker: true`: jobs may rule the engine")
def command(  # noqa: PLR0913, PLR0917 - each is a flag
    server: str,
    token_file: Path | None,
    name: str | None,
    data: Path,
    slots: int | None,
    pools: tuple[str, ...],
    where: str,
    host_user: str | None,
    docker_host: str | None,
    *,
    docker: bool,
) -> int:
    """Work for a server until SIGTERM; runners that are at work go on."""
    from steersman.cli import up, worker_parts

    up.start_logging()
    flags = worker_parts.WorkerFlags(
        name=name or os.uname().nodename,
        slots=slots or os.cpu_count() or 1,
        where=where,
        host_user=host_user,
        docker_host=docker_host,
        docker=docker,
        pools=pools,
    )
    token = _token(token_file)
    os.umask(0o077)
    data.mkdir(parents=True, exist_ok=True)
    # Runners of another user must reach their own folders.
    data.chmod(0o711 if host_user else 0o700)
    asyncio.run(worker_parts.work_until_told(server, token, data.absolute(), flags))
    return 0


def _token(file: Path | None) -> str:
    token = os.environ.get("STEERSMAN_WORKER_TOKEN", "")
    if file is not None:
        try:
            token = file.read_text()
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
    if not token.strip():
        raise UserError(
            "a worker needs a token",
            hint="make one by `steer worker token NAME`, and name a file of it by --token-file",
        )
    return token.strip()
