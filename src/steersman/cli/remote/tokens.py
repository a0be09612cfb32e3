"""`steer token`."""

from __future__ import annotations

import click

from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, Json, asks, items, path
from steersman.cli.remote.logins import SCOPES
from steersman.cli.remote.tables import of
from steersman.client import Client

DAY = 24 * 3600
COLUMNS = (
    of("id"),
    of("name", shrinks=True),
    of("scopes"),
    output.age("used", "USED"),
    output.age("expires", "EXPIRES"),
)


@click.group("token")
def command() -> None:
    """Make, list and take back your tokens."""


@command.command("create")
@asks
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("read", "trigger"),
    show_default=True,
    help="what it opens; may be given more than once",
)
@click.option(
    "--expires",
    "days",
    type=click.FloatRange(0, 365, min_open=True),
    help="days until it ends [default: the server's]",
)
@click.option("--project", help="open only this project")
def create(
    asked: Asked, name: str, scopes: tuple[str, ...], days: float | None, project: str | None
) -> None:
    """Make a token; it is shown this once, and nothing else is printed on stdout."""
    seconds = None if days is None else max(1, int(days * DAY))
    wanted = {"name": name, "scopes": list(scopes), "project": project, "expires_in": seconds}
    body = {key: value for key, value in wanted.items() if value is not None}

    async def made(client: Client) -> Json:
        return connection.checked(await client.call("POST", path("tokens"), body), client)

    token = connection.run(asked, made)
    output.show(asked, token, lambda: str(token["token"]), str(token["id"]))


@command.command("list")
@asks
def list_(asked: Asked) -> None:
    """List your tokens."""
    found = connection.run(asked, lambda client: items(client, "tokens"))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["id"]))


@command.command("rm")
@asks
@click.argument("identity", metavar="ID")
def remove(asked: Asked, identity: str) -> None:
    """Take a token back; it opens nothing any more."""
    connection.run(asked, lambda client: client.call("DELETE", path("tokens", identity)))
    gone = {"id": identity, "removed": True}
    output.show(asked, gone, lambda: f"the token {identity} is taken back", identity)
