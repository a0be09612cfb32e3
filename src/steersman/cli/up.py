"""`steer up`: the whole platform on this machine, and `steer server`: only the server."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steersman import __version__
from steersman.core.errors import UserError

if TYPE_CHECKING:
    import socket

    from steersman.cli.runner_port import RunnerPort
    from steersman.server.platform import Platform

PORT = 8080
WORKER = "local"


def _server_options(function: Any) -> Any:
    for option in reversed(
        [
            click.option(
                "--data",
                type=click.Path(path_type=Path, file_okay=False),
                envvar="STEERSMAN_DATA",
                default=None,
                help="folder of the database, keys, blobs and mirrors "
                "[default: ~/.local/share/steersman]",
            ),
            click.option(
                "--listen",
                default=f"127.0.0.1:{PORT}",
                envvar="STEERSMAN_LISTEN",
                show_default=True,
                help="HOST:PORT to listen on; port 0 takes any that is free",
            ),
            click.option(
                "--url",
                envvar="STEERSMAN_URL",
                help="how people reach the server [default: --listen]",
            ),
            click.option(
                "--database",
                default="",
                envvar="STEERSMAN_DATABASE",
                help="postgresql://... [default: SQLite in the data folder]",
            ),
            click.option(
                "--blobs",
                default="",
                envvar="STEERSMAN_BLOBS",
                help="a folder, or s3://BUCKET/PREFIX [default: in the data folder]",
            ),
            click.option(
                "--allow-http",
                is_flag=True,
                envvar="STEERSMAN_ALLOW_HTTP",
                help="fetch repositories by plain http too",
            ),
            click.option(
                "--allow-private-targets",
                is_flag=True,
                envvar="STEERSMAN_ALLOW_PRIVATE_TARGETS",
                help="send webhooks and statuses to private addresses too",
            ),
        ]
    ):
        function = option(function)
    return function


@click.command("up")
@_server_options
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
def command(  # noqa: PLR0913 - each is a flag
    data: Path | None,
    listen: str,
    url: str | None,
    database: str,
    blobs: str,
    *,
    allow_http: bool,
    allow_private_targets: bool,
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
    folder = data_folder(data)
    with locked(folder):
        parts, at, shown = _opened(
            folder, listen, url, (database, blobs), http=allow_http, private=allow_private_targets
        )
        # Runners of another user must reach their folders; everything else in there is ours.
        folder.chmod(0o711 if host_user else 0o700)
        return _run(_up(parts, at, shown, folder, flags))


@click.command("server")
@_server_options
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
def server(  # noqa: PLR0913 - each is a flag
    data: Path | None,
    listen: str,
    url: str | None,
    database: str,
    blobs: str,
    *,
    allow_http: bool,
    allow_private_targets: bool,
    runner_listen: str | None,
    runner_tls_cert: Path | None,
    runner_tls_key: Path | None,
) -> int:
    """Run a server; workers run elsewhere (`steer worker run`)."""
    folder = data_folder(data)
    with locked(folder):
        runners = _runner_port(runner_listen, runner_tls_cert, runner_tls_key)
        parts, at, shown = _opened(
            folder, listen, url, (database, blobs), http=allow_http, private=allow_private_targets
        )
        return _run(_serve(parts, at, shown, folder, runners))


def _runner_port(listen: str | None, cert: Path | None, key: Path | None) -> RunnerPort | None:
    """Open the port for runners, where there is to be one."""
    if (cert is None) is not (key is None) or (cert and listen is None):
        raise UserError(
            "the certificate for runners is of no use alone",
            hint="give --runner-listen, --runner-tls-cert and --runner-tls-key together",
        )
    if listen is None:
        return None
    _require_libraries()
    from steersman.cli.runner_port import Certificate, RunnerPort
    from steersman.cli.serving import listen as opened

    certificate = Certificate(cert, key) if cert and key else None
    return RunnerPort(opened(_address(listen), flag="--runner-listen"), certificate)


def _run(main: Coroutine[Any, Any, int]) -> int:
    """Run on the loop that answers requests at half the cost; workers and runners need none."""
    import uvloop

    # A thread that comes back from the database gets its turn soon, not after 5 ms.
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def data_folder(data: Path | None) -> Path:
    """Return the folder of a server on this machine."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return (data or Path(base) / "steersman").absolute()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a server's folder: two that write to it at once would not know of each other."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"a server already runs on {folder}", hint="stop it, or name another --data"
            ) from None
        yield


def _opened(
    folder: Path, listen: str, url: str | None, doors: tuple[str, str], *, http: bool, private: bool
) -> tuple[Platform, socket.socket, str]:
    """Open everything there is to open, before anything is said."""
    os.umask(0o077)
    start_logging()
    _require_libraries()
    from steersman.cli import serving
    from steersman.cli.server_parts import Options, build

    at = serving.listen(_address(listen))
    host, port = at.getsockname()[:2]
    shown = (url or f"http://{host}:{port}").rstrip("/")
    options = Options(
        folder,
        shown,
        database=doors[0],
        blobs=doors[1],
        allow_local=True,
        allow_http=http,
        allow_private_targets=private,
    )
    return build(options), at, shown


def _require_libraries() -> None:
    try:
        from steersman.cli import server_parts, serving  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the server's libraries are not installed ({error.name})",
            hint="pip install 'steersman[server]'",
        ) from None


def _address(listen: str) -> Any:
    from steersman.cli.serving import Address

    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UserError(f"{listen!r} is no address to listen on", hint="write HOST:PORT")
    return Address(host.strip("[]"), int(port))


def start_logging() -> None:
    """Log to stderr, what matters to whoever runs this."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("httpx2", "httpcore2", "uvicorn.error", "asyncio", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


async def _serve(
    parts: Platform, at: socket.socket, shown: str, folder: Path, runners: RunnerPort | None
) -> int:
    from steersman.cli.serving import serve
    from steersman.server import first_start

    token = await first_start.admin_token(parts, os.environ.get("STEERSMAN_ADMIN_TOKEN"))
    if worker := os.environ.get("STEERSMAN_WORKER_TOKEN"):
        await first_start.let_in(parts, worker)

    async def told() -> None:
        _say(shown, folder, token, f"workers connect by `steer worker run`{_of_runners(runners)}")
        await asyncio.Event().wait()

    await serve(parts, at, told, runners=runners)
    return 0


def _of_runners(port: RunnerPort | None) -> str:
    if port is None:
        return ""
    host, number = port.at.getsockname()[:2]
    return f", runners at port {number} of {host} {'by TLS' if port.certificate else 'in the open'}"


async def _up(parts: Platform, at: socket.socket, shown: str, folder: Path, flags: Any) -> int:
    from steersman.cli import worker_parts
    from steersman.cli.serving import serve
    from steersman.server import first_start

    # What cannot work is said before a token is made that nobody would see.
    await worker_parts.check(flags)
    token = await first_start.admin_token(parts)
    kept = folder / "keys" / "worker-token"
    known = kept.read_text().strip() if kept.exists() else None
    worker_token = await first_start.worker_token(parts, WORKER, known)
    if worker_token != known:
        worker_parts.keep_token(kept, worker_token)
    host, port = at.getsockname()[:2]
    local = f"http://{'[' + host + ']' if ':' in host else host}:{port}"

    async def work() -> None:
        _say(shown, folder, token, f"jobs run {worker_parts.words(flags)}, {flags.slots} at once")
        await worker_parts.work(local, worker_token, folder, flags)

    await serve(parts, at, work)
    return 0


def _say(url: str, folder: Path, token: str | None, jobs: str) -> None:
    """Say where it is and what to do next."""
    lines = [f"Steersman {__version__} is up at {url}", f"  data: {folder}", f"  {jobs}"]
    if token:
        lines += [
            f"  the admin's token, shown this once: {token}",
            "next, in another terminal:",
            f"  steer login {url} --token {token}",
        ]
    else:
        lines += ["next, in another terminal:", f"  steer login {url}"]
    lines += [
        "  steer project add NAME --repository /path/or/address/of/repository.git",
        "  steer trigger NAME --watch",
    ]
    click.echo("\n".join(lines))
