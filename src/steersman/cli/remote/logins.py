"""`steer login`, `steer logout`."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

import click

from steersman.cli.remote import connection, prompts, servers
from steersman.cli.remote.connection import Json, get, path
from steersman.cli.remote.servers import Server, Servers
from steersman.client import Client
from steersman.core.errors import NotFound, Refused, Unknown, UserError

SCOPES = ("read", "trigger", "write", "admin")
COOKIE = re.compile(r"steersman_session=([A-Za-z0-9_]+)")
NOBODY = "nobody"
HERE = ("localhost", "127.0.0.1", "::1")


@click.command("login")
@click.argument("url")
@click.option("--token", help="a token that was made before [default: asked for]")
@click.option("--name", help="log in by this name and its password, which is asked for")
@click.option("--context", help="what to call this login [default: the server's host]")
def login(url: str, token: str | None, name: str | None, context: str | None) -> None:
    """Log in to the server at URL and remember it."""
    if token and name:
        raise UserError("--token and --name are two ways to log in", hint="give one of them")
    url = servers.address(url)
    host = urlsplit(url)
    if host.scheme == "http" and host.hostname not in HERE:
        click.echo(f"warning: {url} is plain http: everybody between can read the token", err=True)
    if name:
        found = _by_password(url, name, prompts.hidden("password"))
    else:
        found = Server(url, token or prompts.hidden("token"))
    me = connection.at(found, lambda client: get(client, path("me")))
    found = found._replace(name=str(me.get("name", "")))
    place = servers.place()
    known = servers.read(place)
    called = context or host.netloc.rpartition("@")[2]
    servers.write(place, Servers(called, {**known.known, called: found}))
    click.echo(f"logged in to {url} as {found.name} (context {called})")


def _by_password(url: str, name: str, password: str) -> Server:
    """Make a token of our own: what a password opens ends after hours."""
    session = connection.at(Server(url, NOBODY), lambda client: _session(client, name, password))
    opened = Server(url, session)
    made = connection.at(opened, _token)
    connection.at(opened, lambda client: client.call("POST", path("logout")))
    return opened._replace(token=made["token"], token_id=made["id"])


async def _session(client: Client, name: str, password: str) -> str:
    body = connection.encoded({"name": name, "password": password})
    try:
        answer = await client.send(
            "POST", path("login"), body, {"Content-Type": "application/json"}
        )
    except Unknown as error:
        error.hint = error.hint or "is the name right, and the password?"
        raise
    found = COOKIE.search(answer.headers.get("set-cookie", ""))
    if found is None:
        raise Refused(f"{client.base_url}: the server opened no session")
    return found[1]


async def _token(client: Client) -> Json:
    wanted = {"name": f"steer on {os.uname().nodename}"[:100], "scopes": list(SCOPES)}
    return connection.checked(await client.call("POST", path("tokens"), wanted), client)


@click.command("logout")
@click.option("--context", help="the login that is meant [default: the current one]")
def logout(context: str | None) -> None:
    """Forget a login; a token that `steer login` made is taken back."""
    place = servers.place()
    known = servers.read(place)
    called = servers.called(known, context)
    server = known.known[called]
    rest = {name: each for name, each in known.known.items() if name != called}
    current = known.current if known.current in rest else next(iter(rest), "")
    servers.write(place, Servers(current, rest))
    if server.token_id:
        _take_back(server)
    click.echo(f"logged out of {server.url} (context {called})")


def _take_back(server: Server) -> None:
    try:
        connection.at(server, lambda client: client.call("DELETE", path("tokens", server.token_id)))
    except (NotFound, Unknown):
        return  # it was taken back before, or has expired
