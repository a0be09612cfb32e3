"""Requests carried by the HTTP library: proxies, and all that comes up between machines."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping

import httpx2

from steersman.client.base import Download, Lost, Request, Unusable


class Library:
    """A client of the library. For tests its *transport* is given."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        trusted: ssl.SSLContext | None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        secure = base_url.startswith("https://")
        try:
            self._http = httpx2.AsyncClient(
                base_url=base_url,
                headers=dict(headers),
                # Reading the certificates of the system takes 20 ms; no redirection is followed.
                verify=secure and (trusted or True),
                transport=transport,
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise Unusable(str(error)) from error

    async def close(self) -> None:
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def exchange(self, request: Request) -> AsyncIterator[Download]:
        """Send a request, and hold its answer open."""
        method, target, headers, content, timeout = request
        try:
            asked = self._http.build_request(
                method, target, content=content, headers=dict(headers), timeout=timeout
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise Unusable(str(error)) from error
        with _translated():
            answer = await self._http.send(asked, stream=True)
            try:
                yield Download(answer.status_code, dict(answer.headers), answer.aiter_bytes())
            finally:
                await answer.aclose()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise Lost("no answer in time") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise Lost(str(error) or type(error).__name__) from error
