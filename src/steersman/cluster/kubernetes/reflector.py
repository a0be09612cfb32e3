"""A local copy of a list of objects that follows the API server: list once, then watch.

A watch that ends goes on from where it was; where the server does not remember so far back, the
list is fetched anew. Bookmarks keep "where it was" young without any event.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from steersman.cluster.kubernetes import refusals
from steersman.cluster.kubernetes.api import NO_PARAMETERS, Api
from steersman.cluster.kubernetes.refusals import Silent
from steersman.core.errors import Expired, SteersmanError, Unavailable
from steersman.patience import Patience

CHUNK = 500
WATCH = 300
"""Seconds after which the server ends a watch by itself."""
SILENCE = 100.0
"""Seconds without a byte after which a watch is begun anew; bookmarks come every minute."""
MOST_LINE = 16 * 1024 * 1024
BURIED = 4096

Object = dict[str, Any]


class Collection(NamedTuple):
    """Which objects to follow: *keep* makes of each what is remembered, None for nothing."""

    path: str
    keep: Callable[[Object], Object | None]
    parameters: Mapping[str, str] = NO_PARAMETERS


class Reflector:
    """Follows *collection*; calls *changed* with the old and the new state of an object."""

    def __init__(
        self,
        api: Api,
        collection: Collection,
        changed: Callable[[Object | None, Object | None], None],
        pause: Patience,
    ) -> None:
        self._api = api
        self._of = collection
        self._changed = changed
        self._pause = pause
        self._version: str | None = None
        self._buried: deque[str] = deque(maxlen=BURIED)
        self.objects: dict[str, Object] = {}
        self.listed = asyncio.Event()
        self.tried = asyncio.Event()
        self.trouble: SteersmanError | None = None

    async def run(self) -> NoReturn:
        """Follow for ever; *trouble* says what stands against it, and None when nothing does."""
        tries = 0
        while True:
            try:
                if self._version is None:
                    await self.list()
                await self._watch()
                tries = 0
            except Expired:
                self._version = None
                tries += 1
            except SteersmanError as error:
                if self.trouble is None or str(error) != str(self.trouble):
                    self.trouble = error
                    self._changed(None, None)
                tries += 1
            self.tried.set()
            if tries:
                await self._pause.sleep(self._pause.pause(tries))

    async def list(self) -> None:
        """Fetch everything, in pieces."""
        found: dict[str, Object] = {}
        parameters = {**self._of.parameters, "limit": str(CHUNK)}
        while True:
            said = await self._api.call("GET", self._of.path, None, parameters)
            for each in said.get("items") or ():
                kept = self._of.keep(each)
                if kept is not None:
                    found[_key(kept)] = kept
            metadata = said.get("metadata") or {}
            if not metadata.get("continue"):
                break
            parameters["continue"] = metadata["continue"]
        self._replace(found, str(metadata.get("resourceVersion") or "0"))

    def _replace(self, found: dict[str, Object], version: str) -> None:
        for key, old in list(self.objects.items()):
            # What we made while the list was on its way is not in it.
            if key not in found and not _newer(old, version):
                del self.objects[key]
                self._changed(old, None)
        self._version = version
        self.trouble = None
        self.tried.set()
        for each in found.values():
            self.put(each, kept=True)
        if not self.listed.is_set():
            self.listed.set()
            self._changed(None, None)

    async def _watch(self) -> None:
        parameters = {
            **self._of.parameters,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version or "",
            "timeoutSeconds": str(int(WATCH * (1.0 + self._pause.chance()))),
        }
        opened = False
        try:
            async with self._api.stream(self._of.path, parameters, SILENCE) as pieces:
                self.trouble, opened = None, True
                async for line in _lines(pieces):
                    self._heard(_parsed(line))
        except Silent:
            # Of events an API server of old sends no bookmarks: nothing happened, perhaps.
            if not opened:
                raise

    def _heard(self, event: Object) -> None:
        kind, what = event.get("type"), event.get("object")
        if not isinstance(what, dict):
            raise Unavailable(f"{self._of.path}: the watch says {kind!r} of nothing")
        if kind == "ERROR":
            raise refusals.error(f"watch {self._of.path}", int(what.get("code") or 500), what)
        version = (what.get("metadata") or {}).get("resourceVersion")
        if kind != "BOOKMARK":
            kept = self._of.keep(what)
            if kept is not None:
                if kind == "DELETED":
                    self._remove(kept)
                else:
                    self.put(kept, kept=True)
        self._version = str(version or self._version)

    def put(self, what: Object, *, kept: bool = False) -> None:
        """Take an object in, unless we know a newer state of it, or its end."""
        new = what if kept else self._of.keep(what)
        if new is None or new["metadata"]["uid"] in self._buried:
            return
        old = self.objects.get(_key(new))
        same = old is not None and old["metadata"]["uid"] == new["metadata"]["uid"]
        if same and not _newer(new, old["metadata"]["resourceVersion"]):  # type: ignore[index]
            return
        self.objects[_key(new)] = new
        self._changed(old, new)

    def lose(self, name: str, uid: str) -> None:
        """Take in that an object is no more, which the watch will say only later."""
        last = self.objects.get(name)
        if last is not None and last["metadata"]["uid"] == uid:
            self._remove(last)

    def _remove(self, last: Object) -> None:
        self._buried.append(last["metadata"]["uid"])
        old = self.objects.get(_key(last))
        if old is not None and old["metadata"]["uid"] == last["metadata"]["uid"]:
            del self.objects[_key(last)]
            self._changed(last, None)


def _key(what: Object) -> str:
    return str(what["metadata"]["name"])


def _newer(what: Object, version: str) -> bool:
    """Compare versions, which are numbers, though nobody has to know so: doubt takes the new."""
    try:
        return int(what["metadata"]["resourceVersion"]) > int(version)
    except ValueError:
        return str(what["metadata"]["resourceVersion"]) != version


def _parsed(line: bytes) -> Object:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise Unavailable(f"a watch says what is no JSON: {line[:80]!r}")
    return event


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        whole = rest + piece if rest else piece
        *lines, rest = whole.split(b"\n")
        for each in lines:
            if each.strip():
                yield each
        if len(rest) > MOST_LINE:
            raise Unavailable("a watch says a line without end")
