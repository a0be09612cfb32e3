"""What the light client takes for an answer, byte by byte, and what it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from steersman.client import Away, Client, http11
from steersman.client.http11 import CHUNKED, ENDLESS, Garbled, Unwritable

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("said", "length", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length:  12 \r\n\r\n", 12, True),
        (b"HTTP/1.1 200\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n", 0, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0, True),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n", 0, True),
        (b"HTTP/1.1 200 \xe9\r\nTransfer-Encoding: Chunked\r\n\r\n", CHUNKED, True),
        (b"HTTP/1.1 500 Oh\r\nx: a:b\r\nx: c\r\n\r\n", ENDLESS, True),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n", 5, False),
    ],
)
def test_a_head_says_how_long_the_body_is(said: bytes, length: int, kept: bool) -> None:
    found = http11.head(said, "GET")
    assert (found.length, found.kept) == (length, kept)
    assert http11.head(said, "HEAD").length == 0


@pytest.mark.parametrize(
    "said",
    [
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b": no name\r\n\r\n",
        OK + b"a: b\r\n folded\r\n\r\n",
        OK + b"blank : b\r\n\r\n",
        OK + b"a: b\nc: d\r\n\r\n",
        OK + b"a: \0\r\n\r\n",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"content-length: 1, 1\r\n\r\n",
        OK + b"content-length: \xb2\r\n\r\n",
        OK + b"content-length: " + b"9" * 30 + b"\r\n\r\n",
        OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        OK + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
        OK + b"a: b\r\n" * 300 + b"\r\n",
    ],
)
def test_what_is_no_answer_is_not_believed(said: bytes) -> None:
    with pytest.raises(Garbled):
        http11.head(said, "GET")


def test_a_piece_says_how_long_it_is() -> None:
    assert [http11.chunk(each) for each in (b"0\r\n", b"1F;a=b\r\n", b"ff \r\n")] == [0, 31, 255]
    for line in (b"\r\n", b"-1\r\n", b"0x1\r\n", b"1_0\r\n", b"g\r\n", b"1" * 17 + b"\r\n"):
        with pytest.raises(Garbled):
            http11.chunk(line)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/a b", ""),
        ("/a\r\nb", ""),
        ("/é", ""),
        ("/", "a\nb"),
        ("/", "\0"),
        ("/", "☃"),
        ("/", " a"),
    ],
)
def test_nothing_gets_into_a_request_that_would_end_it(target: str, value: str) -> None:
    with pytest.raises(Unwritable):
        http11.request("GET", target, [("Authorization", value)])


def ask_of(*answers: bytes) -> list[bytes]:
    """Ask once for each of *answers*, whose servers close at their end; return what was heard."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left and await reader.readuntil(b"\r\n\r\n"):
            said = left.pop(0)
            writer.write(said)
            if b"keep" not in said:
                break
        writer.close()

    async def whole() -> list[Any]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Client(f"http://127.0.0.1:{port}", "s", light=True) as client:
            return [(await client.send("GET", "/")).body for _ in answers]

    return asyncio.run(whole())


def test_bodies_of_every_kind_come_whole_and_apart() -> None:
    pieces = OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nkeep: 1\r\n\r\n"
    sized = b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 4\r\n\r\nkeep"
    endless = OK + b"\r\n" + bytes(100_000)
    assert ask_of(pieces, sized, endless) == [b"abcde", b"keep", bytes(100_000)]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        OK + b"content-length: 4\r\n\r\nabc",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        OK + b"a: " + bytes(100_000),
    ],
)
def test_what_is_cut_or_garbled_is_worth_another_try(said: bytes) -> None:
    with pytest.raises(Away):
        ask_of(said)
