"""The registry of steps on a server, for `steer step`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click

from steersman.cli import step_folders
from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, asks, items, path
from steersman.cli.remote.tables import Column, of
from steersman.cli.step_folders import Looked
from steersman.client import Client

COLUMNS = (of("owner"), of("name"), of("version"), Column("SUMMARY", lambda one: one["summary"]))


@click.command("list")
@asks
def list_(asked: Asked) -> None:
    """List the steps that the server publishes."""
    found = connection.run(asked, lambda client: items(client, "steps"))
    output.show_all(
        asked, found, COLUMNS, lambda one: f"{one['owner']}/{one['name']}@{one['version']}"
    )


def publish(asked: Asked, folder: Path, owner: str, looked: Looked) -> bool:
    """Send a step's folder to the server; False if the same was published already."""

    async def send(client: Client) -> Any:
        from steersman import trees

        where = path("steps", owner, looked.name, looked.version)
        pieces = _pieces(trees.pack(step_folders.files(folder)))
        return (await client.send("PUT", where, pieces, timeout=120)).status

    return bool(connection.run(asked, send) == 201)


async def _pieces(archive: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in archive:
        yield piece
