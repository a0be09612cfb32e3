"""The flags of a server, which `steer up` and `steer server` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from steersman.core.schedules import pacing

PORT = 8080


class ServerFlags(NamedTuple):
    """What a server was told. *url* is how people reach it, if not as it listens."""

    data: Path | None
    listen: str
    url: str | None
    database: str
    blobs: str
    allow_http: bool
    allow_private_targets: bool
    schedule_rate: float


_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="STEERSMAN_DATA",
        default=None,
        help="folder of the database, keys, blobs and mirrors [default: ~/.local/share/steersman]",
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
    click.option(
        "--schedule-rate",
        type=click.FloatRange(0),
        default=pacing.RATE,
        envvar="STEERSMAN_SCHEDULE_RATE",
        show_default=True,
        help="most runs that schedules begin a second, 0: no limit",
    ),
)


def server_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Give *command* the flags of a server as its first argument."""

    @wraps(command)
    def taken(**said: Any) -> int:
        mine = ServerFlags(**{name: said.pop(name) for name in ServerFlags._fields})
        return command(mine, **said)

    for option in reversed(_OPTIONS):
        taken = option(taken)
    return taken
