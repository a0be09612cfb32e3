"""`steer worker` and `steer queue`: who works, and what waits for them."""

from __future__ import annotations

import click

from steersman.cli import worker_run
from steersman.cli.remote import connection, output
from steersman.cli.remote.connection import Asked, Json, asks, items, path
from steersman.cli.remote.tables import Column, of
from steersman.client import Client

COLUMNS = (
    of("name"),
    of("pools", shrinks=True),
    Column("HOLDS", lambda worker: f"{worker['held']} of {worker['slots']}"),
    of("paused"),
    output.age("seen", "SEEN"),
    of("version"),
)
WAITING = (
    Column("RUN", lambda attempt: f"{attempt['project']}/{attempt['run']}"),
    of("job", shrinks=True),
    Column("ATTEMPT", lambda attempt: str(attempt["number"])),
    of("pool"),
    of("blocked"),
    output.age("queued", "QUEUED"),
)


@click.command("queue")
@asks
def queue(asked: Asked) -> None:
    """List the attempts that wait for a worker, those that are next first."""
    found = connection.run(asked, lambda client: items(client, "queue"))
    output.show_all(asked, found, WAITING, lambda each: str(each["id"]))


@click.group("worker")
def command() -> None:
    """Run a worker here; list, pause and resume workers of a server."""


command.add_command(worker_run.command)


@command.command("list")
@asks
def list_(asked: Asked) -> None:
    """List the workers the server has heard of."""
    found = connection.run(asked, lambda client: items(client, "workers"))
    output.show_all(asked, found, COLUMNS, lambda each: str(each["name"]))


@command.command("pause")
@asks
@click.argument("name")
def pause(asked: Asked, name: str) -> None:
    """Let a worker take nothing more; what it holds goes on."""
    _told(asked, name, _posted(asked, name, "pause"), "takes nothing more")


@command.command("resume")
@asks
@click.argument("name")
def resume(asked: Asked, name: str) -> None:
    """Let a worker take work again."""
    _told(asked, name, _posted(asked, name, "resume"), "takes work again")


@command.command("rm")
@asks
@click.argument("name")
def remove(asked: Asked, name: str) -> None:
    """Forget a worker that does not come back; others adopt what it holds."""
    connection.run(asked, lambda client: client.call("DELETE", path("workers", name)))
    _told(asked, name, {"removed": True}, "is forgotten")


@command.command("token")
@asks
@click.argument("name")
def token(asked: Asked, name: str) -> None:
    """Make a token for workers; it is shown this once."""
    made = _posted(asked, "tokens", name)
    output.show(asked, made, lambda: str(made["token"]), str(made["id"]))


def _posted(asked: Asked, *parts: str) -> Json:
    async def posted(client: Client) -> Json:
        return connection.checked(await client.call("POST", path("workers", *parts)), client)

    return connection.run(asked, posted)


def _told(asked: Asked, name: str, answer: Json, text: str) -> None:
    output.show(asked, {"name": name, **answer}, lambda: f"{name} {text}", name)
