"""`steer worker run`: a worker for a server elsewhere, whose runners are here or in a cluster."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TypeVar

import click

from steersman.core.errors import UserError

T = TypeVar("T")


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
@click.option(
    "--on",
    "where",
    type=click.Choice(["containers", "host", "kubernetes"]),
    default="containers",
    show_default=True,
)
@click.option("--host-user", help="with --on host: the user that jobs run as")
@click.option("--docker-host", envvar="DOCKER_HOST")
@click.option("--docker", is_flag=True, help="allow `docker: true`: jobs may rule the engine")
@click.option("--namespace", help="with --on kubernetes: where the pods of jobs are made")
@click.option(
    "--pools-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="with --on kubernetes: YAML with the settings of each pool",
)
@click.option("--runner-url", help="address at which pods find the server [default: --server]")
@click.option(
    "--runner-ca",
    type=click.Path(path_type=Path, dir_okay=False),
    help="with --on kubernetes: certificate of who vouches for --runner-url",
)
@click.option("--image", envvar="STEERSMAN_IMAGE", help="with --on kubernetes: Steersman's image")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    help="how to reach the cluster [default: as a pod of it, else KUBECONFIG]",
)
@click.option(
    "--surplus",
    type=click.IntRange(min=0),
    default=0,
    help="with --on kubernetes: how many pods may wait for a node, where waiting makes it grow",
)
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
    namespace: str | None,
    pools_file: Path | None,
    runner_url: str | None,
    runner_ca: Path | None,
    image: str | None,
    kubeconfig: Path | None,
    surplus: int,
    *,
    docker: bool,
) -> int:
    """Work for a server until SIGTERM; runners that are at work go on."""
    from steersman.cli import server_opening, worker_parts

    server_opening.start_logging()
    if where == "kubernetes":
        from steersman.cli import worker_kubernetes

        pods = worker_kubernetes.PodFlags(
            name=name or os.uname().nodename,
            slots=slots or worker_kubernetes.SLOTS,
            namespace=_needed(namespace, "--namespace"),
            pools_file=_needed(pools_file, "--pools-file"),
            image=_needed(image, "--image"),
            runner_url=runner_url or server,
            runner_ca=runner_ca,
            kubeconfig=kubeconfig,
            surplus=surplus,
        )
        asyncio.run(worker_kubernetes.work_until_told(server, _token(token_file), pods))
        return 0
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


def _needed(value: T | None, option: str) -> T:
    if value is None:
        raise UserError(f"--on kubernetes needs {option}", hint="see `steer worker run --help`")
    return value


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
