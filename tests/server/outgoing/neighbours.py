"""Those whom the platform tells: a web server and a mail server that say what they are told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
SILENCE = b""


def answer(status: int, *headers: str, body: str = "") -> bytes:
    """Write an answer of HTTP."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers, f"content-length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


class Heard(NamedTuple):
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """Answers each request with the next of *answers*, then with the last for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers or (OK,))
        self.heard: list[Heard] = []
        self.arrived = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.partition(": ") for line in head[1:] if line)
            headers = {name.lower(): value for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.heard.append(Heard(head[0].split()[1], headers, body))
            self.arrived.set()
            await self.may_answer.wait()
            said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if said == SILENCE:
                await reader.read()
            writer.write(said)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web(*answers: bytes) -> AsyncIterator[Web]:
    """Run a web server on this machine."""
    made = Web(*answers)
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


class Post:
    """A mail server; *codes* says what it answers to a verb instead of 250."""

    def __init__(self, **codes: str) -> None:
        self.codes = codes
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.codes.get("greeting", "220 post").encode() + b"\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].decode().upper().strip()
                said = self.codes.get(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb))
                if verb == "RCPT" and said is None:
                    self.recipients.append(line.decode().split(":", 1)[1].strip())
                writer.write(f"{said or '250 fine'}\r\n".encode())
                if verb == "DATA" and (said or "").startswith("354"):
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 kept\r\n")
                if verb == "QUIT":
                    break
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def post(**codes: str) -> AsyncIterator[Post]:
    """Run a mail server on this machine."""
    made = Post(**codes)
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
