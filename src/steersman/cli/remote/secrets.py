"""`steer secret`. A value never stands in the arguments, where others of the machine read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from steersman.cli.remote import connection, output, prompts
from steersman.cli.remote.connection import Asked, Json, asks, items, path
from steersman.cli.remote.tables import Column, of
from steersman.client import Client

COLUMNS = (
    of("name"),
    Column("FOR", lambda secret: _scope(secret), shrinks=True),
    of("by"),
    output.age("changed", "CHANGED"),
    of("id"),
)


def _scope(secret: Any) -> str:
    scopes = (("pipelines", "pipeline"), ("branches", "branch"), ("events", "event"))
    parts = [f"{word} {', '.join(secret[key])}" for key, word in scopes if secret.get(key)]
    return "; ".join(parts) or "everything"


@click.group("secret")
def command() -> None:
    """Set, list and remove the secrets of a project."""


@command.command("set")
@asks
@click.argument("project")
@click.argument("name")
@click.option(
    "--value-file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="a file that holds the value, taken as it is",
)
@click.option("--pipeline", multiple=True, help="only for pipelines of this pattern")
@click.option("--branch", multiple=True, help="only for branches of this pattern")
@click.option("--event", multiple=True, help="only for runs of this kind, as push or tag")
def set_(asked: Asked, project: str, name: str, file: Path | None, **scope: Any) -> None:
    """Set the secret NAME: its value is asked for, or read from the input or a file.

    One newline at the end of the input is not part of it.
    """
    body = {
        "value": prompts.value(file, f"value of {name}"),
        "pipelines": list(scope["pipeline"]),
        "branches": list(scope["branch"]),
        "events": list(scope["event"]),
    }
    where = path("projects", project, "secrets", name)
    made: Json = connection.run(asked, lambda client: client.call("PUT", where, body))
    word = "set" if made.get("created") else "replaced"
    output.show(asked, made, lambda: f"{word} {name} of {project}", name)


@command.command("list")
@asks
@click.argument("project")
def list_(asked: Asked, project: str) -> None:
    """List the names of a project's secrets, and where each goes."""

    async def listed(client: Client) -> list[Json]:
        return await items(client, "projects", project, "secrets")

    found = connection.run(asked, listed)
    output.show_all(asked, found, COLUMNS, lambda each: str(each["name"]))


@command.command("rm")
@asks
@click.argument("project")
@click.argument("name")
def remove(asked: Asked, project: str, name: str) -> None:
    """Remove a secret, by its name (all of that name) or its id."""
    where = path("projects", project, "secrets", name)
    connection.run(asked, lambda client: client.call("DELETE", where))
    gone = {"name": name, "removed": True}
    output.show(asked, gone, lambda: f"removed {name} of {project}", name)
