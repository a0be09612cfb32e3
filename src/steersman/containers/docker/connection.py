"""One connection to the engine: HTTP/1.1 by h11 over asyncio's streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import h11

from steersman.containers.docker.address import Address

LIMIT = 256 * 1024
Headers = list[tuple[str, str]]


class Connection:
    """Carries one exchange after the other; whoever breaks off in the middle must `abort`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.idle_since = 0.0
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LIMIT)

    @classmethod
    async def open(cls, address: Address) -> Connection:
        if address.path is not None:
            streams = await asyncio.open_unix_connection(address.path, limit=LIMIT)
        else:
            streams = await asyncio.open_connection(
                address.host, address.port, ssl=address.context(), limit=LIMIT
            )
        return cls(*streams)

    @property
    def usable(self) -> bool:
        """Whether another exchange can begin."""
        return not (
            self.writer.is_closing() or self.reader.at_eof() or self._http.our_state is not h11.IDLE
        )

    async def send(self, method: str, target: str, headers: Headers, body: bytes = b"") -> None:
        """Send a whole request."""
        if body or method == "POST":
            headers = [*headers, ("Content-Length", str(len(body)))]
        self._begin(method, target, headers)
        if body:
            self._write(h11.Data(data=body))
        self._write(h11.EndOfMessage())
        await self.writer.drain()

    async def send_pieces(
        self, method: str, target: str, headers: Headers, pieces: Iterable[bytes], stall: float
    ) -> None:
        """Send a request whose body is not held in memory; each piece may take *stall* seconds."""
        self._begin(method, target, [*headers, ("Transfer-Encoding", "chunked")])
        for piece in pieces:
            self._write(h11.Data(data=piece))
            async with asyncio.timeout(stall):
                await self.writer.drain()
        self._write(h11.EndOfMessage())
        async with asyncio.timeout(stall):
            await self.writer.drain()

    def _begin(self, method: str, target: str, headers: Headers) -> None:
        self._write(h11.Request(method=method, target=target, headers=headers))

    def _write(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        pieces = self._http.send_with_data_passthrough(event)
        self.writer.writelines(pieces or [])

    async def response(self) -> h11.Response | h11.InformationalResponse:
        """Wait for the head of the response; informational only when the protocol is switched."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection was closed without an answer")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body of the response as it comes."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise ConnectionResetError("the connection was closed in the middle of an answer")

    async def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self.reader.read(LIMIT))
        return event

    def start_again(self) -> bool:
        """Make ready for the next exchange, if the last one came to a clean end."""
        try:
            self._http.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True

    def hijack(self) -> bytes:
        """Leave HTTP; return what came behind the head of the response."""
        return bytes(self._http.trailing_data[0])

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.writer.transport.abort()
