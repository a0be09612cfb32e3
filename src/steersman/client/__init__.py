"""Speaking HTTP to the server, for workers, runners and the command line.

Every failure is one of ours: `Away` where trying again may help, else what the server's problem
says. What carries requests is imported with the first client: the library costs a start 0.1 s.
"""

from __future__ import annotations

import contextlib
import json as jsons
import os
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.client.base import Carrier, Content, Lost, Request, Unusable
from steersman.client.base import Download as Download
from steersman.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Refused,
    SteersmanError,
    Unavailable,
    Unknown,
    UserError,
)
from steersman.patience import Patience as Patience
from steersman.patience import patience as patience
from steersman.patience import patiently as patiently

if TYPE_CHECKING:
    import ssl

    import httpx2

TIMEOUT = 30.0
"""Seconds the server may be silent, unless a call says otherwise."""
LONGEST_AFTER = 30.0
"""The longest a server's `Retry-After` is obeyed: it may be wrong, and we must be heard."""
MOST_SAID = 16 * 1024 * 1024
"""The most bytes of an answer that is not streamed."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
_KINDS = {400: UserError, 401: Unknown, 403: Forbidden, 404: NotFound, 422: UserError}


class Away(Unavailable):
    """The server does not answer, or cannot just now; *after* is when it asks to try again."""

    def __init__(
        self, message: str, *, hint: str | None = None, after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class InConflict(Conflict):
    """The server says 409; *said* is its whole answer."""

    def __init__(self, message: str, *, hint: str | None, said: Mapping[str, Any]) -> None:
        super().__init__(message, hint=hint)
        self.said = said


class Response(NamedTuple):
    """A good answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """A connection to one server, with one token. For tests the library's *transport* is given.

    *ca* is the text of a certificate to trust instead of those of the system. A *light* client
    starts and runs at a fraction of the cost, and is another where the environment names a proxy.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        user_agent: str = "steersman",
        ca: str | None = None,
        light: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        if not self.base_url.startswith(("http://", "https://")):
            hint = "write it like https://ci.example.com"
            raise UserError(f"{base_url!r} is no address of a server", hint=hint)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": user_agent}
        trusted = None if ca is None else _trusted(ca)
        try:
            self._carrier = (
                _light(self.base_url, headers, trusted)
                if light and not proxied()
                else _library(self.base_url, headers, trusted, transport)
            )
        except Unusable as error:
            raise UserError(f"the server's address or token cannot be used: {error}") from error

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._carrier.close()

    async def call(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of each silence, not of the whole
    ) -> Any:
        """Send *json* if there is any, and return the answer's; None for an empty one."""
        content, headers = None, NO_HEADERS
        if json is not None:
            content = jsons.dumps(json).encode()
            headers = {"Content-Type": "application/json"}
        response = await self.send(method, path, content, headers, timeout)
        try:
            return jsons.loads(response.body) if response.body else None
        except ValueError as error:
            what = f"{method} {self.base_url}{path}: the answer is no JSON"
            raise Away(what, hint="is this the address of a Steersman server?") from error

    async def send(
        self,
        method: str,
        path: str,
        content: Content = None,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of each silence
    ) -> Response:
        """Send bytes as they are and return the whole answer."""
        async with self._answer(Request(method, path, headers, content, timeout)) as answer:
            return Response(answer.status, answer.headers, await _whole(f"{method} {path}", answer))

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of each silence
    ) -> AsyncIterator[Download]:
        """Open an answer whose body is read piece by piece; *timeout* is for each piece."""
        async with self._answer(Request(method, path, headers, None, timeout)) as answer:
            yield answer

    @contextlib.asynccontextmanager
    async def _answer(self, request: Request) -> AsyncIterator[Download]:
        """Send *request*; whatever goes wrong, also while the body is read, becomes ours."""
        what = f"{request.method} {self.base_url}{request.target}"
        try:
            async with self._carrier.exchange(request) as answer:
                if not 200 <= answer.status < 300:
                    raise _problem(what, answer, await _whole(what, answer))
                yield answer
        except Unusable as error:
            raise UserError(f"{what}: {error}") from error
        except Lost as error:
            hint = "is the server up, and its address right?"
            raise Away(f"{what}: {error}", hint=hint) from error


def proxied() -> bool:
    """Tell whether the environment names a proxy, which only the library knows to use."""
    return any(os.environ.get(each) or os.environ.get(each.lower()) for each in PROXIES)


def _light(base_url: str, headers: Mapping[str, str], trusted: ssl.SSLContext | None) -> Carrier:
    from steersman.client.light import Light

    return Light(base_url, headers, trusted)


def _library(
    base_url: str,
    headers: Mapping[str, str],
    trusted: ssl.SSLContext | None,
    transport: httpx2.AsyncBaseTransport | None,
) -> Carrier:
    from steersman.client.library import Library

    return Library(base_url, headers, trusted, transport)


def _trusted(ca: str) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError as error:
        hint = "it must be text that begins with -----BEGIN CERTIFICATE-----"
        raise UserError(f"the server's CA cannot be read: {error}", hint=hint) from error


async def _whole(what: str, answer: Download) -> bytes:
    body = bytearray()
    async for piece in answer.pieces:
        body += piece
        if len(body) > MOST_SAID:
            raise Refused(f"{what}: the answer is larger than {MOST_SAID} bytes")
    return bytes(body)


def _problem(what: str, answer: Download, body: bytes) -> SteersmanError:
    """Make the error that a bad answer means, in the server's words where it has some."""
    status, said = answer.status, _said(body)
    detail = str(said.get("detail") or said.get("title") or f"the server answers with {status}")
    hint = str(said["hint"]) if said.get("hint") else None
    if status >= 500 or status in (408, 425, 429):
        after = _seconds(answer.headers.get("retry-after", ""))
        return Away(f"{what}: {detail} ({status})", hint=hint or "try again later", after=after)
    if status == 409:
        return InConflict(detail, hint=hint, said=said)
    if status < 400:
        target = answer.headers.get("location", "elsewhere")
        return Refused(f"{what}: the server sends us to {target}", hint="use that address")
    return _KINDS.get(status, Refused)(detail, hint=hint)


def _said(body: bytes) -> Mapping[str, Any]:
    try:
        said = jsons.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(text: str) -> float | None:
    """Read a `Retry-After`; one that is a date is not obeyed, as our clock may be another."""
    return min(float(text), LONGEST_AFTER) if text.isascii() and text.isdigit() else None
