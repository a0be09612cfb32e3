"""Engines that hang, lie, hang up or are not there: each is named in words, within its deadline."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from steersman.containers.base import PullPolicy
from steersman.containers.docker import address
from steersman.containers.docker.door import DockerContainers
from steersman.containers.docker.engine import Engine
from steersman.core.errors import Refused, Unavailable, UserError

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def reply(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


PONG = reply("200 OK", b"OK", "Api-Version: 1.41")


def against(
    folder: Path, handle: Handler, body: Callable[[DockerContainers], Awaitable[None]]
) -> None:
    """Run *body* with a door to an engine that answers each request by *handle*."""
    path = folder / "engine.sock"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await handle(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def whole() -> None:
        server = await asyncio.start_unix_server(serve, path)
        where = address.read(f"unix://{path}")
        door = DockerContainers(Engine(where, require_deadline=0.2))
        try:
            async with asyncio.timeout(10):
                await body(door)
        finally:
            await door.close()
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0.01)

    asyncio.run(whole())


async def never(head: bytes, writer: asyncio.StreamWriter) -> None:
    return None


async def garbage(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 not http at all\r\n\r\n")


async def hangs_up(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def half(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    writer.close()


async def stranger(head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(reply("200 OK", b"<html>"))


@pytest.mark.parametrize(
    ("handle", "says"),
    [
        (never, r"did not answer within 0\.2 seconds"),
        (garbage, "is no container engine"),
        (hangs_up, "no engine at|is no container engine"),
        (half, "no engine at|is no container engine"),
        (stranger, "names no API version"),
    ],
    ids=["hangs", "garbage", "hangs up", "half an answer", "something else"],
)
def test_a_bad_engine_is_unavailable_and_the_hint_says_what_to_do(
    handle: Handler, says: str, tmp_path: Path
) -> None:
    async def body(door: DockerContainers) -> None:
        with pytest.raises(Unavailable, match=says) as caught:
            await door.require()
        assert "DOCKER_HOST" in (caught.value.hint or "")

    against(tmp_path, handle, body)


def test_no_engine_at_all_is_named_with_its_address(tmp_path: Path) -> None:
    async def body() -> None:
        door = DockerContainers(Engine(address.read(f"unix://{tmp_path}/none.sock")))
        with pytest.raises(Unavailable, match=r"no engine at unix://.*none\.sock"):
            await door.require()

    asyncio.run(body())


def _pulling(lines: list[dict[str, object]]) -> Handler:
    async def handle(head: bytes, writer: asyncio.StreamWriter) -> None:
        if b"/_ping" in head:
            writer.write(PONG)
        elif b"/images/create" in head:
            writer.write(
                reply("200 OK", b"".join(json.dumps(one).encode() + b"\n" for one in lines))
            )
        else:
            writer.write(reply("404 Not Found", b'{"message": "No such image"}'))

    return handle


def test_a_pull_that_fails_in_the_middle_is_refused_in_the_words_of_the_registry(
    tmp_path: Path,
) -> None:
    lines: list[dict[str, object]] = [
        {"status": "Pulling from x", "id": "1"},
        {"status": "Downloading", "id": "ab", "progressDetail": {"current": 1, "total": 2}},
        {"error": "toomanyrequests: slow down", "errorDetail": {"message": "toomanyrequests"}},
    ]

    async def body(door: DockerContainers) -> None:
        told: list[str] = []
        with pytest.raises(Refused, match="image x:1 cannot be had: toomanyrequests"):
            await door.image("x:1", pull=PullPolicy.MISSING, tell=told.append)
        assert told == ["pulling image x:1"]

    against(tmp_path, _pulling(lines), body)


@pytest.mark.parametrize("host", ["ssh://me@there", "npipe:////./pipe/docker", "tcp://:0"])
def test_an_address_we_cannot_speak_to_is_the_users_to_mend(host: str) -> None:
    with pytest.raises(UserError) as caught:
        address.read(host)
    assert caught.value.hint


def test_a_context_of_the_docker_command_is_followed(tmp_path: Path) -> None:
    from hashlib import sha256

    meta = tmp_path / ".docker" / "contexts" / "meta" / sha256(b"far").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text('{"Endpoints": {"docker": {"Host": "tcp://far:2375"}}}')
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "far"}')
    found = address.find({"HOME": str(tmp_path)})
    assert (found.host, found.port) == ("far", 2375)
    assert address.find({"HOME": str(tmp_path), "DOCKER_HOST": "unix:///x"}).path == "/x"


@pytest.mark.skipif(os.getuid() == 0, reason="root may open any socket")
def test_a_socket_we_may_not_open_gives_the_hint_about_the_group(tmp_path: Path) -> None:
    async def body(door: DockerContainers) -> None:
        (tmp_path / "engine.sock").chmod(0)
        with pytest.raises(Unavailable, match="no permission") as caught:
            await door.require()
        assert "group docker" in (caught.value.hint or "")

    against(tmp_path, never, body)
