"""`steer cache`."""

from __future__ import annotations

import click

from steersman.cli.remote import connection, output, tables
from steersman.cli.remote.connection import Asked, asks, items, path
from steersman.cli.remote.tables import Column, of
from steersman.core.errors import UserError

COLUMNS = (
    of("id"),
    of("scope", shrinks=True),
    of("name", shrinks=True),
    Column("SIZE", lambda cache: tables.size(cache.get("size"))),
    output.age("used", "USED"),
)


@click.group("cache")
def command() -> None:
    """List and remove the caches of a project."""


@command.command("list")
@asks
@click.argument("project")
def list_(asked: Asked, project: str) -> None:
    """List the caches of a project, each with the branch whose jobs write it."""
    found = connection.run(asked, lambda client: items(client, "projects", project, "caches"))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["id"]))


@command.command("rm")
@asks
@click.argument("project")
@click.argument("identity", metavar="ID", required=False)
@click.option("--all", "every", is_flag=True, help="all of the project")
def remove(asked: Asked, project: str, identity: str | None, *, every: bool) -> None:
    """Remove a cache; the next job begins without one."""
    if every == (identity is not None):
        raise UserError(
            "name the cache by its ID, or give --all", hint=f"steer cache list {project}"
        )
    where = path("projects", project, "caches", *([identity] if identity else []))
    connection.run(asked, lambda client: client.call("DELETE", where))
    said = f"the cache {identity}" if identity else "all caches"
    gone = {"project": project, "id": identity, "removed": True}
    output.show(asked, gone, lambda: f"removed {said} of {project}", identity or project)
