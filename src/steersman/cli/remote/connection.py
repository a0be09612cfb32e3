"""What every remote command shares: its flags, and a client of the server that is meant."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import click

from steersman import __version__
from steersman.cli.remote import servers
from steersman.cli.remote.servers import Wanted
from steersman.client import Client
from steersman.core.errors import Refused, Unknown, UserError

T = TypeVar("T")
Json = dict[str, Any]
API = "/api/v1"
AGENT = f"steer/{__version__}"
PAGE = 200
FORMATS = ("table", "json", "yaml", "name")


class Asked(NamedTuple):
    """Which server is asked, and how its answers are shown."""

    wanted: Wanted
    form: str = "table"


def asks(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of every remote command; it gets them as its first argument."""

    @functools.wraps(function)
    def called(
        *args: Any,
        server: str | None,
        token: str | None,
        context: str | None,
        form: str,
        **more: Any,
    ) -> Any:
        return function(Asked(Wanted(server, token, context), form), *args, **more)

    result: Callable[..., Any] = called
    for option in (
        click.option(
            "-o",
            "--output",
            "form",
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help="how the answer is shown",
        ),
        click.option("--context", help="the login that is meant, as `steer login` named it"),
        click.option(
            "--token", envvar="STEERSMAN_TOKEN", help="instead of the one of `steer login`"
        ),
        click.option("--server", envvar="STEERSMAN_SERVER", help="address of the server"),
    ):
        result = option(result)
    return result


def run(asked: Asked, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do *work* with a client of the server that is meant."""
    server = servers.choose(servers.read(servers.place()), asked.wanted)
    return at(server, work)


def connecting(asked: Asked) -> Callable[[], Client]:
    """Return what opens a client of the server that is meant."""
    server = servers.choose(servers.read(servers.place()), asked.wanted)
    return lambda: Client(server.url, server.token, user_agent=AGENT)


def at(server: servers.Server, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do *work* with a client of *server*."""

    async def connected() -> T:
        async with Client(server.url, server.token, user_agent=AGENT) as client:
            return await work(client)

    try:
        return asyncio.run(connected())
    except Unknown as error:
        error.hint = error.hint or f"`steer login {server.url}` with a token that works"
        raise


def path(*parts: str, **query: object) -> str:
    """Return the address of *parts*, each one step whatever it holds; a query of None is none."""
    steps = [API, *map(_step, parts)]
    said = {name: str(value) for name, value in query.items() if value is not None}
    return "/".join(steps) + (f"?{urlencode(said, errors='replace')}" if said else "")


def _step(text: str) -> str:
    if text in ("", ".", ".."):
        raise UserError(f"{text!r} is no name", hint="a name has letters or digits")
    return quote(text, safe="", errors="replace")


async def get(client: Client, address: str) -> Json:
    """Return the object that stands at *address*."""
    return checked(await client.call("GET", address), client)


def checked(answer: object, client: Client) -> Json:
    """Return *answer*, which must be an object: another program's may be anything."""
    if not isinstance(answer, dict):
        raise Refused(
            f"{client.base_url}: the answer is not as expected",
            hint="is this the address of a Steersman server?",
        )
    return answer


def encoded(value: object) -> bytes:
    """Return *value* as the JSON of a request."""
    return json.dumps(value).encode()


def decoded(body: bytes, client: Client) -> Json:
    """Return the object that *body* spells."""
    try:
        return checked(json.loads(body), client)
    except ValueError:
        return checked(None, client)


async def items(
    client: Client, *parts: str, most: int | None = None, **query: object
) -> list[Json]:
    """Return the items of a list, of all of its pages or the first *most*."""
    found: list[Json] = []
    cursor: str | None = None
    while True:
        page = await get(client, path(*parts, **query, cursor=cursor))
        found += page.get("items") or []
        cursor = page.get("next")
        if not cursor or (most is not None and len(found) >= most):
            return found[:most]
