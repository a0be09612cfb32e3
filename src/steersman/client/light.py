"""Requests carried by h11 over asyncio: all a runner needs, at a third of the library's start.

A runner's process lives for seconds, and what it imports is most of what it costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from steersman.client.base import Content, Download, Lost, Request, Unusable

if TYPE_CHECKING:
    import ssl

LIMIT = 64 * 1024
IDLE = 4.0
"""Seconds after which a connection is not used again: our server ends those after five."""
LONGEST_CONNECT = 30.0


class Light:
    """Keeps connections to one server. It knows no proxies, and follows no redirection.

    One that was *idle* for so many seconds is not used again.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        trusted: ssl.SSLContext | None,
        idle: float = IDLE,
    ) -> None:
        try:
            parts = urlsplit(base_url)
            secure = parts.scheme == "https"
            self._port = parts.port or (443 if secure else 80)
        except ValueError as error:
            raise Unusable(str(error)) from error
        if not parts.hostname:
            raise Unusable("it names no host")
        self._host, self._path = parts.hostname, parts.path.rstrip("/")
        self._trusted = _default(trusted) if secure else None
        self._headers = {"Host": parts.netloc.rpartition("@")[2], **headers}
        self._idle: list[_Connection] = []
        self._silent = idle
        self._head(Request("GET", "/", {}, None, 0.0))

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().abort()
        await asyncio.sleep(0)  # the loop closes them

    @contextlib.asynccontextmanager
    async def exchange(self, request: Request) -> AsyncIterator[Download]:
        """Send a request, and hold its answer open."""
        head, timeout = self._head(request), request.timeout
        with _translated():
            connection = self._kept() or await self._open(min(timeout, LONGEST_CONNECT))
        try:
            with _translated():
                answer = await connection.ask(head, request.content, timeout)
            headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
            # Whoever reads may fail too, which is none of the connection's faults.
            yield Download(answer.status_code, headers, connection.body(timeout))
        finally:
            self._keep(connection)

    def _head(self, request: Request) -> h11.Request:
        headers = {**self._headers, **request.headers}
        match request.content:
            case None if request.method in ("POST", "PUT", "PATCH"):
                headers["Content-Length"] = "0"
            case None:
                pass
            case bytes() as content:
                headers["Content-Length"] = str(len(content))
            case _:
                headers["Transfer-Encoding"] = "chunked"
        target = self._path + request.target
        try:
            return h11.Request(method=request.method, target=target, headers=list(headers.items()))
        except (h11.LocalProtocolError, ValueError) as error:
            raise Unusable(str(error)) from error

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(self._silent):
                return connection
            connection.abort()
        return None

    async def _open(self, within: float) -> _Connection:
        async with asyncio.timeout(within):
            return _Connection(
                *await asyncio.open_connection(
                    self._host, self._port, ssl=self._trusted, limit=LIMIT
                )
            )

    def _keep(self, connection: _Connection) -> None:
        if connection.ended():
            self._idle.append(connection)
        else:
            connection.abort()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LIMIT)
        self._since = 0.0

    def usable(self, most: float) -> bool:
        silent = time.monotonic() - self._since
        return not (self._reader.at_eof() or self._writer.is_closing() or silent > most)

    def ended(self) -> bool:
        """Make ready for another exchange, if this one came to a clean end."""
        self._since = time.monotonic()
        try:
            self._http.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True

    def abort(self) -> None:
        self._writer.transport.abort()

    async def ask(self, head: h11.Request, content: Content, timeout: float) -> h11.Response:  # noqa: ASYNC109
        """Send a whole request, and wait for the head of its answer."""
        try:
            await self._send(head, content, timeout)
        except ConnectionError as error:
            # A server that will not have all of it says so, and closes.
            with contextlib.suppress(OSError, h11.RemoteProtocolError):
                return await self._response(timeout)
            raise error from None
        return await self._response(timeout)

    async def _send(self, head: h11.Request, content: Content, timeout: float) -> None:  # noqa: ASYNC109
        self._write(head)
        if isinstance(content, bytes):
            self._write(h11.Data(data=content))
        elif content is not None:
            async for piece in content:
                self._write(h11.Data(data=piece))
                async with asyncio.timeout(timeout):
                    await self._writer.drain()
        self._write(h11.EndOfMessage())
        async with asyncio.timeout(timeout):
            await self._writer.drain()

    def _write(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        self._writer.writelines(self._http.send_with_data_passthrough(event) or [])

    async def _response(self, timeout: float) -> h11.Response:  # noqa: ASYNC109
        while True:
            event = await self._next(timeout)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionResetError("the connection was closed without an answer")

    async def body(self, timeout: float) -> AsyncIterator[bytes]:  # noqa: ASYNC109
        """Yield the body of the answer as it comes."""
        while True:
            with _translated():
                event = await self._next(timeout)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise Lost("the connection was closed in the middle of an answer")

    async def _next(self, timeout: float) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:  # noqa: ASYNC109
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(timeout):
                self._http.receive_data(await self._reader.read(LIMIT))
        return event


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Lost("no answer in time") from error
    except (OSError, h11.RemoteProtocolError) as error:
        raise Lost(str(error) or type(error).__name__) from error


def _default(trusted: ssl.SSLContext | None) -> ssl.SSLContext:
    import ssl

    return trusted or ssl.create_default_context()
