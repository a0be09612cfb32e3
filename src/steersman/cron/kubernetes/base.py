"""What cron needs of a cluster: to speak to it and to follow it, by what the caller gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any, NoReturn, Protocol

Object = dict[str, Any]
NOTHING: Mapping[str, str] = MappingProxyType({})


class Api(Protocol):
    """An API server; what it refuses comes as an error of ours."""

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        parameters: Mapping[str, str] = NOTHING,
    ) -> Object:
        """Send *body* if there is any, and return the object of the answer."""

    def stream(
        self, path: str, parameters: Mapping[str, str], silence: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open an answer that is read as it comes; it may be silent for *silence* seconds."""


class Follower(Protocol):
    """A local copy of a list of objects."""

    @property
    def objects(self) -> Mapping[str, Object]:
        """Return what is there, by name."""

    async def run(self) -> NoReturn:
        """Follow for ever."""


Changed = Callable[[Object | None, Object | None], None]


class Follow(Protocol):
    """Makes a follower of *path*: *keep* makes of each object what is remembered."""

    def __call__(
        self,
        path: str,
        keep: Callable[[Object], Object | None],
        parameters: Mapping[str, str],
        changed: Changed,
    ) -> Follower: ...
