"""A port where whatever is asked is answered by a function, as the library's transports are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import h11
import httpx2

from steersman.cli.installing import certificates

Answer = Callable[[httpx2.Request], httpx2.Response]
LIMIT = 65536


def certified(folder: Path) -> ssl.SSLContext:
    """Return how `localhost` shows a certificate; who signed it is in the file `ca` of *folder*."""
    made = certificates.make(["localhost"], datetime.now(UTC))
    (folder / "tls").write_text(made.key + made.certificate)
    (folder / "ca").write_text(made.authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls")
    return context


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answer on a port; where *answer* fails, or its body does, the connection is closed."""

    busy: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        with suppress(httpx2.HTTPError, OSError):
            await _exchanges(answer, reader, writer)
        writer.transport.abort() if context else writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*busy)


async def _exchanges(
    answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    http = h11.Connection(h11.SERVER)

    async def next_event() -> object:
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await reader.read(LIMIT))
        return event

    while isinstance(head := await next_event(), h11.Request):
        body = b""
        while isinstance(event := await next_event(), h11.Data):
            body += event.data
        url = f"http://ci.test{head.target.decode()}"
        asked = httpx2.Request(head.method.decode(), url, headers=list(head.headers), content=body)
        said = answer(asked)
        headers = said.headers.raw
        writer.write(http.send(h11.Response(status_code=said.status_code, headers=headers)) or b"")
        assert isinstance(said.stream, httpx2.AsyncByteStream)
        async for piece in said.stream:
            writer.write(http.send(h11.Data(data=piece)) or b"")
            await writer.drain()
        writer.write(http.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        if http.our_state is h11.MUST_CLOSE:
            return
        http.start_next_cycle()
