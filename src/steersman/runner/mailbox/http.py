"""A small HTTP server: bodies come and go as streams, and nothing is kept of anybody."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import h11

from steersman.core.errors import SteersmanError, UserError

PIECE = 256 * 1024
IDLE = 120.0
"""Seconds a connection may say nothing."""
MOST = 64
"""The most connections at a time: any pod of the cluster may open some."""
MOST_SAID = 64 * 1024 * 1024
JSON = "application/json"
BYTES = "application/octet-stream"
log = logging.getLogger("steersman.mailbox")


class Request(NamedTuple):
    """What somebody asks; *body* comes piece by piece."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]

    async def whole(self, most: int = MOST_SAID) -> bytes:
        """Return the body, which may not be longer than *most*."""
        data = bytearray()
        async for piece in self.body:
            data += piece
            if len(data) > most:
                raise UserError(f"the body is longer than {most} bytes")
        return bytes(data)


class Answer(NamedTuple):
    """What is answered."""

    status: int = 200
    body: bytes | AsyncIterator[bytes] = b"{}"
    kind: str = JSON


Handler = Callable[[Request], Awaitable[Answer]]


def said(what: object) -> Answer:
    """Answer with JSON."""
    return Answer(body=json.dumps(what).encode())


def problem(status: int, detail: str, **more: object) -> Answer:
    """Answer with what is wrong."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Answer(status, json.dumps(body).encode(), "application/problem+json")


async def serve(
    handler: Handler, host: str, port: int, tls: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Answer by *handler* until the server is closed."""
    room = asyncio.Semaphore(MOST)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not room.locked():
                async with room:
                    await _Connection(reader, writer, handler).run()
        except (OSError, TimeoutError, h11.ProtocolError, EOFError) as error:
            log.info("connection_ended: %r", error)
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                await writer.wait_closed()

    return await asyncio.start_server(connected, host, port, ssl=tls, limit=PIECE)


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
    ) -> None:
        self._reader, self._writer, self._handler = reader, writer, handler
        self._http = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        while isinstance(asked := await self._next(), h11.Request):
            answer = await self._answer(asked)
            async for _ in self._body():
                pass  # what the handler left unread
            await self._send(answer)
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._write(h11.InformationalResponse(status_code=100, headers=[]))
            async with asyncio.timeout(IDLE):
                self._http.receive_data(await self._reader.read(PIECE))
        return event

    async def _body(self) -> AsyncIterator[bytes]:
        while self._http.their_state is h11.SEND_BODY:
            event = await self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def _answer(self, asked: h11.Request) -> Answer:
        target = urlsplit(asked.target.decode("latin-1"))
        headers = {name.decode(): value.decode("latin-1") for name, value in asked.headers}
        request = Request(
            asked.method.decode(), target.path, dict(parse_qsl(target.query)), headers, self._body()
        )
        try:
            return await self._handler(request)
        except UserError as error:
            return problem(400, str(error))
        except SteersmanError as error:
            return problem(503, str(error))
        except (ValueError, KeyError, TypeError) as error:
            return problem(400, f"this cannot be understood: {error!r}")

    async def _send(self, answer: Answer) -> None:
        headers = [("Content-Type", answer.kind)]
        if isinstance(answer.body, bytes):
            headers.append(("Content-Length", str(len(answer.body))))
        await self._write(h11.Response(status_code=answer.status, headers=headers))
        if isinstance(answer.body, bytes):
            if answer.body:
                await self._write(h11.Data(data=answer.body))
        else:
            async for piece in answer.body:
                await self._write(h11.Data(data=piece))
        await self._write(h11.EndOfMessage())

    async def _write(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self._writer.write(data)
            await self._writer.drain()
