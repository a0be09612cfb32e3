"""Speaking HTTP to the server, for workers, runners and the command line.

Every failure is one of ours: `Away` where trying again may help, else what the server's problem
says. The HTTP library is imported with the first client, as it costs 60 ms.
"""

from __future__ import annotations

import contextlib
import json as jsons
from collections.abc import AsyncIterator, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Download(NamedTuple):
    """A good answer whose body is still to come, in *pieces*."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Client:
    """A connection to one server, with one token. For tests the library's *transport* is given.

    *ca* is the text of a certificate to trust instead of those of the system.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        user_agent: str = "steersman",
        ca: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx2

        self.base_url = base_url.rstrip("/")
        if not self.base_url.startswith(("http://", "https://")):
            hint = "write it like https://ci.example.com"
            raise UserError(f"{base_url!r} is no address of a server", hint=hint)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": user_agent}
        try:
            self._http = httpx2.AsyncClient(
                base_url=self.base_url,
                headers=headers,
                # Reading the certificates of the system takes 20 ms; no redirection is followed.
                verify=self.base_url.startswith("https://") and _trusted(ca),
                transport=transport,
                timeout=TIMEOUT,
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise UserError(f"the server's address or token cannot be used: {error}") from error

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

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
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of each silence
    ) -> Response:
        """Send bytes as they are and return the whole answer."""
        request = self._request(method, path, content, headers, timeout)
        async with self._answer(request) as answer:
            return Response(answer.status_code, dict(answer.headers), await _whole(answer))

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of each silence
    ) -> AsyncIterator[Download]:
        """Open an answer whose body is read piece by piece; *timeout* is for each piece."""
        request = self._request(method, path, None, headers, timeout)
        async with self._answer(request) as answer:
            yield Download(answer.status_code, dict(answer.headers), answer.aiter_bytes())

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> httpx2.Request:
        import httpx2

        try:
            return self._http.build_request(
                method, path, content=content, headers=dict(headers), timeout=timeout
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise UserError(f"{method} {self.base_url}{path}: {error}") from error

    @contextlib.asynccontextmanager
    async def _answer(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        """Send *request*; whatever goes wrong, also while the body is read, becomes ours."""
        what = f"{request.method} {request.url}"
        with _translated(what):
            answer = await self._http.send(request, stream=True)
            try:
                if not answer.is_success:
                    raise _problem(what, answer, await _whole(answer))
                yield answer
            finally:
                await answer.aclose()


def _trusted(ca: str | None) -> ssl.SSLContext | bool:
    if ca is None:
        return True
    import ssl

    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError as error:
        hint = "it must be text that begins with -----BEGIN CERTIFICATE-----"
        raise UserError(f"the server's CA cannot be read: {error}", hint=hint) from error


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        raise Away(f"{what}: no answer in time", hint="try again later") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        reason = str(error) or type(error).__name__
        hint = "is the server up, and its address right?"
        raise Away(f"{what}: {reason}", hint=hint) from error


async def _whole(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MOST_SAID:
            raise Refused(f"{answer.url}: the answer is larger than {MOST_SAID} bytes")
    return bytes(body)


def _problem(what: str, answer: httpx2.Response, body: bytes) -> SteersmanError:
    """Make the error that a bad answer means, in the server's words where it has some."""
    status, said = answer.status_code, _said(body)
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
