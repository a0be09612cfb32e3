"""`steer server`: only the server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steersman.cli.server_flags import ServerFlags, server_flags
from steersman.cli.server_opening import (
    Opened,
    address,
    data_folder,
    locked,
    opened,
    require_libraries,
    run,
    say,
)
from steersman.core.errors import UserError

if TYPE_CHECKING:
    from steersman.cli.runner_port import RunnerPort


@click.command("server")
@server_flags
@click.option(
    "--runner-listen",
    envvar="STEERSMAN_RUNNER_LISTEN",
    help="HOST:PORT that serves runners and nothing else, for where jobs may reach it",
)
@click.option(
    "--runner-tls-cert",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="STEERSMAN_RUNNER_TLS_CERT",
    help="its certificate, with the whole chain, as PEM; looked at again when it is replaced",
)
@click.option(
    "--runner-tls-key",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="STEERSMAN_RUNNER_TLS_KEY",
    help="the key of the certificate",
)
def command(
    flags: ServerFlags,
    runner_listen: str | None,
    runner_tls_cert: Path | None,
    runner_tls_key: Path | None,
) -> int:
    """Run a server; workers run elsewhere (`steer worker run`)."""
    folder = data_folder(flags.data)
    with locked(folder):
        runners = _runner_port(runner_listen, runner_tls_cert, runner_tls_key)
        return run(_serve(opened(folder, flags), runners))


def _runner_port(listen: str | None, cert: Path | None, key: Path | None) -> RunnerPort | None:
    """Open the port for runners, where there is to be one."""
    if (cert is None) is not (key is None) or (cert and listen is None):
        raise UserError(
            "the certificate for runners is of no use alone",
            hint="give --runner-listen, --runner-tls-cert and --runner-tls-key together",
        )
    if listen is None:
        return None
    require_libraries()
    from steersman.cli.runner_port import Certificate, RunnerPort
    from steersman.cli.serving import listen as bind

    certificate = Certificate(cert, key) if cert and key else None
    return RunnerPort(bind(address(listen), flag="--runner-listen"), certificate)


async def _serve(server: Opened, runners: RunnerPort | None) -> int:
    from steersman.cli.serving import serve
    from steersman.server import first_start

    token = await first_start.admin_token(server.parts, os.environ.get("STEERSMAN_ADMIN_TOKEN"))
    if worker := os.environ.get("STEERSMAN_WORKER_TOKEN"):
        await first_start.let_in(server.parts, worker)

    async def told() -> None:
        say(server, token, f"workers connect by `steer worker run`{_of_runners(runners)}")
        await asyncio.Event().wait()

    await serve(server.parts, server.at, told, runners=runners)
    return 0


def _of_runners(port: RunnerPort | None) -> str:
    if port is None:
        return ""
    host, number = port.at.getsockname()[:2]
    return f", runners at port {number} of {host} {'by TLS' if port.certificate else 'in the open'}"
