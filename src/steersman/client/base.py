"""What carries requests for a client: by a library, or by a few lines over h11."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

Content = bytes | AsyncIterator[bytes] | None


class Request(NamedTuple):
    """A request to be sent; *target* is the path below the server's address, with its query.

    *timeout* is how long the server may be silent.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    content: Content
    timeout: float


class Download(NamedTuple):
    """An answer whose body is still to come, in *pieces*. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Lost(Exception):
    """The connection could not be made, broke, or was silent for too long."""


class Unusable(Exception):
    """An address, a header or a path that no request can have."""


class Carrier(Protocol):
    """Carries requests. What cannot be sent is `Unusable`, what fails on the way is `Lost`."""

    def exchange(self, request: Request) -> AbstractAsyncContextManager[Download]:
        """Send a request, and hold its answer open."""

    async def close(self) -> None:
        """Close all connections."""
