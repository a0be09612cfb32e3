"""`steer step`: the registry of steps on a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click

from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, asks, items, path
from steersman.cli.remote.tables import Column, of
from steersman.client import Client
from steersman.core.errors import UserError

COLUMNS = (of("owner"), of("name"), of("version"), Column("SUMMARY", lambda one: one["summary"]))
MANIFESTS = ("step.yml", "wercker-step.yml")


@click.group("step")
def command() -> None:
    """Publish steps on a server, and list those that are there."""


@command.command("list")
@asks
def list_(asked: Asked) -> None:
    """List the steps that the server publishes."""
    found = connection.run(asked, lambda client: items(client, "steps"))
    output.show_all(
        asked, found, COLUMNS, lambda one: f"{one['owner']}/{one['name']}@{one['version']}"
    )


@command.command("publish")
@asks
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--owner", required=True, help="in whose name; a file then uses OWNER/NAME")
def publish(asked: Asked, folder: Path, owner: str) -> None:
    """Publish the step in FOLDER, in the version that its step.yml says.

    A version is published once: another content needs another version.
    """
    name, version = _identity(folder)

    async def send(client: Client) -> Any:
        from steersman import trees

        where = path("steps", owner, name, version)
        pieces = _pieces(trees.pack(trees.scan(folder)))
        return (await client.send("PUT", where, pieces, timeout=120)).status

    status = connection.run(asked, send)
    said = "published" if status == 201 else "was published already:"
    click.echo(f"{said} {owner}/{name}@{version}")


def _identity(folder: Path) -> tuple[str, str]:
    """Return what the manifest says the step is."""
    import yaml

    for name in MANIFESTS:
        if (folder / name).is_file():
            try:
                said = yaml.load((folder / name).read_bytes(), yaml.CSafeLoader)
            except yaml.YAMLError as error:
                raise UserError(f"{folder / name} is no YAML: {error}") from None
            if isinstance(said, dict) and said.get("name") and said.get("version"):
                return str(said["name"]), str(said["version"])
            raise UserError(f"{folder / name} must say `name` and `version`")
    raise UserError(
        f"{folder} holds no step.yml", hint="a step is a folder with step.yml and run.sh"
    )


async def _pieces(archive: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in archive:
        yield piece
