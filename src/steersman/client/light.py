"""Requests carried by a few lines over asyncio: all a runner needs, at a fraction of the start.

A runner's process lives for seconds, and what it imports is most of what it costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from steersman.client import http11
from steersman.client.base import Content, Download, Lost, Request, Unusable
from steersman.client.http11 import CHUNKED, ENDLESS, Garbled, Head

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
                answer = await connection.ask(request.method, head, request.content, timeout)
            # Whoever reads may fail too, which is none of the connection's faults.
            yield Download(answer.status, answer.headers, connection.body(answer, timeout))
        finally:
            self._keep(connection)

    def _head(self, request: Request) -> bytes:
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
        try:
            return http11.request(request.method, self._path + request.target, headers.items())
        except http11.Unwritable as error:
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
        self._since = 0.0
        self._over = False

    def usable(self, most: float) -> bool:
        silent = time.monotonic() - self._since
        return not (self._reader.at_eof() or self._writer.is_closing() or silent > most)

    def ended(self) -> bool:
        """Tell whether another exchange may follow: this one came to a clean end."""
        self._since = time.monotonic()
        return self._over

    def abort(self) -> None:
        self._writer.transport.abort()

    async def ask(self, method: str, head: bytes, content: Content, timeout: float) -> Head:  # noqa: ASYNC109
        """Send a whole request, and wait for the head of its answer."""
        self._over = False
        try:
            await self._send(head, content, timeout)
        except ConnectionError as error:
            # A server that will not have all of it says so, and closes.
            with contextlib.suppress(OSError, EOFError, Garbled):
                return (await self._head(method, timeout))._replace(kept=False)
            raise error from None
        answer = await self._head(method, timeout)
        self._over = answer.kept and not answer.length
        return answer

    async def _send(self, head: bytes, content: Content, timeout: float) -> None:  # noqa: ASYNC109
        if content is None or isinstance(content, bytes):
            self._writer.write(head + (content or b""))
        else:
            self._writer.write(head)
            async for piece in content:
                if piece:  # an empty one would be the last
                    self._writer.writelines((b"%x\r\n" % len(piece), piece, b"\r\n"))
                async with asyncio.timeout(timeout):
                    await self._writer.drain()
            self._writer.write(b"0\r\n\r\n")
        async with asyncio.timeout(timeout):
            await self._writer.drain()

    async def _head(self, method: str, timeout: float) -> Head:  # noqa: ASYNC109
        while True:
            async with asyncio.timeout(timeout):
                data = await self._reader.readuntil(b"\r\n\r\n")
            answer = http11.head(data, method)
            if answer.status >= 200:
                return answer
            if answer.status == 101:
                raise Garbled("another protocol")

    async def body(self, answer: Head, timeout: float) -> AsyncIterator[bytes]:  # noqa: ASYNC109
        """Yield the body of the answer as it comes."""
        pieces = self._chunks(timeout) if answer.length == CHUNKED else self._plain(answer, timeout)
        async with contextlib.aclosing(pieces):
            while True:
                with _translated():
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                yield piece
        self._over = answer.kept and answer.length != ENDLESS

    async def _plain(self, answer: Head, timeout: float) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC109
        left = LIMIT if answer.length == ENDLESS else answer.length
        while left:
            async with asyncio.timeout(timeout):
                piece = await self._reader.read(min(left, LIMIT))
            if not piece and answer.length == ENDLESS:
                return
            if not piece:
                raise EOFError
            left -= 0 if answer.length == ENDLESS else len(piece)
            yield piece

    async def _chunks(self, timeout: float) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC109
        while left := http11.chunk(await self._line(timeout)):
            while left:
                async with asyncio.timeout(timeout):
                    piece = await self._reader.read(min(left, LIMIT))
                if not piece:
                    raise EOFError
                left -= len(piece)
                yield piece
            if await self._line(timeout) != b"\r\n":
                raise Garbled("a piece that is longer than it says")
        for _ in range(http11.MOST_HEADERS):
            if await self._line(timeout) == b"\r\n":
                return
        raise Garbled("too much after a body")

    async def _line(self, timeout: float) -> bytes:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            return await self._reader.readuntil(b"\r\n")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Lost("no answer in time") from error
    except EOFError as error:
        raise Lost("the connection was closed in the middle of an answer") from error
    except (OSError, Garbled, asyncio.LimitOverrunError) as error:
        raise Lost(str(error) or type(error).__name__) from error


def _default(trusted: ssl.SSLContext | None) -> ssl.SSLContext:
    import ssl

    return trusted or ssl.create_default_context()
