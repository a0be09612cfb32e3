"""The HTTP library's requests, carried by the light client: half of what they cost otherwise.

The library still finds the way to the API server, logs in and reads answers; only its connections,
which it goes through for each request, are others.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator

import httpx2

from steersman.client.base import Download, Lost, Request
from steersman.client.light import Light

IDLE = 60.0
"""Seconds for which an API server keeps a connection that nobody uses, and longer."""
NEVER = 86400.0
FRAMING = ("host", "content-length", "transfer-encoding")


class _Pieces(httpx2.AsyncByteStream):
    def __init__(self, answer: Download, open_: contextlib.AsyncExitStack) -> None:
        self._answer = answer
        self._open = open_

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.pieces:
                yield piece
        except Lost as error:
            raise _theirs(error) from error

    async def aclose(self) -> None:
        await self._open.aclose()


def _theirs(error: Lost) -> httpx2.TransportError:
    late = isinstance(error.__cause__, TimeoutError)
    return httpx2.ReadTimeout(str(error)) if late else httpx2.ReadError(str(error))


class LightTransport(httpx2.AsyncBaseTransport):
    """Carries requests to one server, whose certificate must be *trusted*."""

    def __init__(self, base_url: str, trusted: ssl.SSLContext) -> None:
        origin = httpx2.URL(base_url).copy_with(raw_path=b"/")
        self._light = Light(str(origin), {}, trusted, idle=IDLE)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {key: each for key, each in request.headers.items() if key not in FRAMING}
        silence = request.extensions.get("timeout", {}).get("read") or NEVER
        target = request.url.raw_path.decode("ascii")
        content = await request.aread() or None
        open_ = contextlib.AsyncExitStack()
        try:
            asked = Request(request.method, target, headers, content, silence)
            answer = await open_.enter_async_context(self._light.exchange(asked))
        except Lost as error:
            raise _theirs(error) from error
        return httpx2.Response(
            answer.status, headers=list(answer.headers.items()), stream=_Pieces(answer, open_)
        )

    async def aclose(self) -> None:
        await self._light.close()
