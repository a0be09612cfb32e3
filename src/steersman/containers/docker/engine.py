"""A client of the Engine API: deadlines, streams, and errors in the engine's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import h11

from steersman.containers.docker.address import Address
from steersman.containers.docker.connection import Connection, Headers
from steersman.core.errors import NotThere, Refused, SteersmanError, Unavailable

NEWEST = (1, 47)
DEADLINE = 60.0
REQUIRE_DEADLINE = 5.0
KEEP_IDLE = 20.0
START = "start Docker or Podman, or set DOCKER_HOST"


Query = Mapping[str, str | Sequence[str]]
"""The query of a request; a name with several texts stands there as often."""
Stream = tuple[Mapping[str, str], AsyncIterator[bytes]]
"""The headers of an answer, and its body as it comes."""


class EngineRefused(Refused):
    """The engine answered with an error; *status* is its HTTP status, the message its words."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def data(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Unavailable("the engine's answer is not JSON", hint=START) from error


class Engine:
    """Speaks to the engine at *address*; connections are kept for a while and used again."""

    def __init__(self, address: Address, *, require_deadline: float = REQUIRE_DEADLINE) -> None:
        self.address = address
        self._idle: list[Connection] = []
        self._hijacked: list[Connection] = []
        self._version = ""
        self.is_podman = False
        self._negotiating = asyncio.Lock()
        self._require_deadline = require_deadline

    async def negotiate(self) -> None:
        """Find out once which version of the API both sides speak."""
        async with self._negotiating:
            if self._version:
                return
            answer = await self._ask("GET", "/_ping", deadline=self._require_deadline)
            self.is_podman = "libpod-api-version" in answer.headers
            self._version = f"v{_version(answer.headers.get('api-version', ''))}"

    async def get(self, path: str, **query: str) -> Any:
        """GET *path* and return the JSON of the answer."""
        return (await self.request("GET", path, query)).data()

    async def post(self, path: str, data: Any = None, **query: str) -> Any:
        """POST *data* and return the JSON of the answer, None when there is none."""
        answer = await self.request("POST", path, query, data)
        return answer.data() if answer.body.strip() else None

    async def delete(self, path: str, **query: str) -> None:
        await self.request("DELETE", path, query)

    async def request(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        data: Any = None,
        deadline: float = DEADLINE,
    ) -> Answer:
        """Ask once; `EngineRefused` for an answer that is an error."""
        await self.negotiate()
        body = b"" if data is None else json.dumps(data).encode()
        return await self._ask(method, self._target(path, query), body, deadline)

    async def _ask(
        self, method: str, target: str, body: bytes = b"", deadline: float = 0
    ) -> Answer:
        async with self._errors(deadline), asyncio.timeout(deadline):
            connection, fresh = await self._connect()
            try:
                answer = await self._exchange(connection, method, target, body)
            except (ConnectionError, h11.RemoteProtocolError):
                # An engine may close an idle connection just as we use it.
                if fresh or method not in ("GET", "DELETE"):
                    raise
                connection = await Connection.open(self.address)
                answer = await self._exchange(connection, method, target, body)
        return self._checked(answer)

    async def _exchange(
        self, connection: Connection, method: str, target: str, body: bytes
    ) -> Answer:
        try:
            await connection.send(method, target, _headers(body), body)
            head = await connection.response()
            content = b"".join([piece async for piece in connection.body()])
        except BaseException:
            connection.abort()
            raise
        self._release(connection)
        return _answer(head, content)

    async def upload(self, path: str, query: Mapping[str, str], pieces: Iterable[bytes]) -> None:
        """PUT an archive in pieces; an engine that takes nothing for the deadline is given up."""
        await self.negotiate()
        async with self._errors(DEADLINE):
            connection, _ = await self._connect()
            try:
                answer = await self._put(connection, self._target(path, query), pieces)
            except BaseException:
                connection.abort()
                raise
        self._release(connection)
        self._checked(answer)

    async def _put(self, connection: Connection, target: str, pieces: Iterable[bytes]) -> Answer:
        headers = [("Host", "engine"), ("Content-Type", "application/x-tar")]
        with suppress(ConnectionError):  # it may have said why before it hung up
            await connection.send_pieces("PUT", target, headers, pieces, DEADLINE)
        async with asyncio.timeout(2 * DEADLINE):
            head = await connection.response()
            return _answer(head, b"".join([piece async for piece in connection.body()]))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        query: Query,
        *,
        headers: Mapping[str, str] | None = None,
        stall: float = DEADLINE,
        archive: Iterable[bytes] | None = None,
    ) -> AsyncIterator[Stream]:
        """Open an answer that comes in pieces, each within *stall* seconds: (headers, pieces).

        *archive* is sent as the body of the request; each piece of it has *stall* seconds as well.
        """
        await self.negotiate()
        connection: Connection | None = None
        try:
            sent = [*_headers(b""), *(headers or {}).items()]
            async with self._errors(stall):
                connection, _ = await self._connect()
                await _send(connection, (method, self._target(path, query)), sent, archive, stall)
            async with self._errors(stall), asyncio.timeout(stall):
                head = await connection.response()
                if head.status_code >= 300:
                    content = b"".join([piece async for piece in connection.body()])
                    self._checked(_answer(head, content))
            yield _answer(head, b"").headers, self._pieces(connection, stall)
        finally:
            if connection is not None:
                connection.abort()

    async def _pieces(self, connection: Connection, stall: float) -> AsyncIterator[bytes]:
        body = connection.body()
        while True:
            async with self._errors(stall), asyncio.timeout(stall):
                piece = await anext(body, None)
            if piece is None:
                return
            yield piece

    async def hijack(self, path: str, data: Any = None, **query: str) -> tuple[Connection, bytes]:
        """Turn a connection into a raw stream; return it and what has already come."""
        await self.negotiate()
        body = b"" if data is None else json.dumps(data).encode()
        headers = [*_headers(body), ("Upgrade", "tcp"), ("Connection", "Upgrade")]
        async with self._errors(DEADLINE), asyncio.timeout(DEADLINE):
            connection = await Connection.open(self.address)
            try:
                await connection.send("POST", self._target(path, query), headers, body)
                head = await connection.response()
                if head.status_code >= 300:
                    content = b"".join([piece async for piece in connection.body()])
                    self._checked(_answer(head, content))
                self._hijacked.append(connection)
                return connection, connection.hijack()
            except BaseException:
                connection.abort()
                raise

    def _target(self, path: str, query: Query | None) -> str:
        words = urlencode(query, doseq=True) if query else ""
        return f"/{self._version}{quote(path)}" + (f"?{words}" if words else "")

    async def _connect(self) -> tuple[Connection, bool]:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < KEEP_IDLE:
                return connection, False
            connection.abort()
        return await Connection.open(self.address), True

    def _release(self, connection: Connection) -> None:
        if connection.start_again() and not connection.writer.is_closing():
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()

    def _checked(self, answer: Answer) -> Answer:
        if answer.status < 300 or answer.status == 304:
            return answer
        words = _words(answer.body) or f"HTTP status {answer.status}"
        raise EngineRefused(words, answer.status)

    @asynccontextmanager
    async def _errors(self, deadline: float) -> AsyncIterator[None]:
        """Translate what a library raises into our words."""
        where = self.address.text
        try:
            yield
        except SteersmanError:
            raise
        except TimeoutError as error:
            raise Unavailable(
                f"the engine at {where} did not answer within {deadline:g} seconds",
                hint="it hangs or is overloaded: restart it, or set DOCKER_HOST to another one",
            ) from error
        except PermissionError as error:
            raise Unavailable(
                f"no permission to speak to the engine at {where}",
                hint="join the group docker (`sudo usermod -aG docker $USER`, then log in anew), "
                "or use rootless Docker or Podman",
            ) from error
        except h11.ProtocolError as error:
            raise Unavailable(
                f"what answers at {where} is no container engine: {error}", hint=START
            ) from error
        except OSError as error:
            nobody = isinstance(error, FileNotFoundError | ConnectionRefusedError)
            raise (NotThere if nobody else Unavailable)(
                f"no engine at {where}: {error.strerror or error}", hint=START
            ) from error

    async def close(self) -> None:
        """Let go of all connections."""
        for connection in (*self._idle, *self._hijacked):
            connection.abort()
        self._idle.clear()
        self._hijacked.clear()
        await asyncio.sleep(0)


async def _send(
    connection: Connection,
    what: tuple[str, str],
    headers: Headers,
    archive: Iterable[bytes] | None,
    stall: float,
) -> None:
    method, target = what
    if archive is None:
        async with asyncio.timeout(stall):
            await connection.send(method, target, headers)
        return
    headers = [*headers, ("Content-Type", "application/x-tar")]
    with suppress(ConnectionError):  # it may have said why before it hung up
        await connection.send_pieces(method, target, headers, archive, stall)


def _headers(body: bytes) -> Headers:
    return [("Host", "engine"), *([("Content-Type", "application/json")] if body else [])]


def _answer(head: h11.Response | h11.InformationalResponse, body: bytes) -> Answer:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Answer(head.status_code, headers, body)


def _words(body: bytes) -> str:
    try:
        data = json.loads(body)
    except ValueError:
        return body[:500].decode(errors="replace").strip()
    return str(data.get("message") or data.get("cause") or data) if isinstance(data, dict) else ""


def _version(text: str) -> str:
    """Return the older of the engine's version and the newest we know."""
    major, _, minor = text.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise Unavailable(
            "what answers is no container engine: it names no API version", hint=START
        )
    return "{}.{}".format(*min((int(major), int(minor)), NEWEST))
