"""What a server needs before it says anything: its folder, libraries, address and loop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from steersman import __version__
from steersman.cli.server_flags import ServerFlags
from steersman.core.errors import UserError

if TYPE_CHECKING:
    import socket

    from steersman.cli.serving import Address
    from steersman.server.platform import Platform


class Opened(NamedTuple):
    """A server that may begin: its parts, what it listens on, its folder and how it is reached."""

    parts: Platform
    at: socket.socket
    folder: Path
    url: str


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


def opened(folder: Path, flags: ServerFlags) -> Opened:
    """Open everything there is to open, before anything is said."""
    os.umask(0o077)
    start_logging()
    require_libraries()
    from steersman.cli import serving
    from steersman.cli.server_parts import Options, build

    at = serving.listen(address(flags.listen))
    host, port = at.getsockname()[:2]
    shown = (flags.url or f"http://{host}:{port}").rstrip("/")
    options = Options(
        folder,
        shown,
        database=flags.database,
        blobs=flags.blobs,
        allow_local=True,
        allow_http=flags.allow_http,
        allow_private_targets=flags.allow_private_targets,
        schedule_rate=flags.schedule_rate,
    )
    return Opened(build(options), at, folder, shown)


def require_libraries() -> None:
    """Raise `UserError` where only the command line is installed."""
    try:
        from steersman.cli import server_parts, serving  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the server's libraries are not installed ({error.name})",
            hint="pip install 'steersman[server]'",
        ) from None


def address(listen: str) -> Address:
    """Return the HOST:PORT that *listen* is."""
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


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run on the loop that answers requests at half the cost; workers and runners need none."""
    import uvloop

    # A thread that comes back from the database gets its turn soon, not after 5 ms.
    sys.setswitchinterval(0.0005)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def say(server: Opened, token: str | None, jobs: str) -> None:
    """Say where it is and what to do next."""
    url = server.url
    lines = [f"Steersman {__version__} is up at {url}", f"  data: {server.folder}", f"  {jobs}"]
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
