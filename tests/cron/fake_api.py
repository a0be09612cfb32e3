"""A small API server in dictionaries: versions, conflicts, pages, selectors, and nothing else."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from steersman.cluster.kubernetes.refusals import Exists
from steersman.core.errors import NotFound, Unavailable, UserError
from steersman.cron.kubernetes.base import NOTHING, Changed, Object


class FakeApi:
    """Objects by their path. *fails* is asked before each call and may raise."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {}
        self.listeners: list[tuple[str, Changed]] = []
        self.calls: list[tuple[str, str]] = []
        self.fails: Callable[[str, str], None] = lambda method, path: None
        self.logs: dict[str, bytes] = {}
        """What containers have said, by `pod/container`."""
        self._versions = itertools.count(1)

    async def call(
        self, method: str, path: str, body: Any = None, parameters: Mapping[str, str] = NOTHING
    ) -> Object:
        self.calls.append((method, path))
        self.fails(method, path)
        await asyncio.sleep(0)
        if method == "POST":
            return self.put(path, copy.deepcopy(body), new=True)
        if method == "GET" and path in self.objects and "limit" in parameters:
            return self._page(path, parameters)
        folder, _, name = path.rpartition("/")
        if method == "GET" and "limit" in parameters:
            return {"items": [], "metadata": {}}
        found = self.objects.get(folder, {}).get(name)
        if found is None:
            raise NotFound(f"{path} is not there")
        if method == "GET":
            return copy.deepcopy(found)
        if method == "DELETE":
            wanted = ((body or {}).get("preconditions") or {}).get("uid")
            if wanted is not None and wanted != found["metadata"]["uid"]:
                raise Unavailable("the uid is another one")
            del self.objects[folder][name]
            self._tell(folder, found, None)
            return found
        if method == "PATCH":
            data = {**(found.get("data") or {}), **(body.get("data") or {})}
            found["data"] = {key: value for key, value in data.items() if value is not None}
            return self.put(folder, found)
        version = body["metadata"].get("resourceVersion")
        if version is not None and version != found["metadata"]["resourceVersion"]:
            raise Unavailable("somebody else was first")
        return self.put(folder, copy.deepcopy(body))

    @asynccontextmanager
    async def stream(
        self, path: str, parameters: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the log of a container."""
        self.calls.append(("GET", path))
        self.fails("GET", path)
        pod = path.split("/")[-2]
        said = self.logs.get(f"{pod}/{parameters['container']}")
        if said is None:
            raise UserError("the container is waiting to start")

        async def pieces() -> AsyncIterator[bytes]:
            yield said[: int(parameters["limitBytes"])]

        yield pieces()

    def put(self, folder: str, what: Object, *, new: bool = False) -> Object:
        """Store an object, as the cluster itself would."""
        name = what["metadata"]["name"]
        old = self.objects.setdefault(folder, {}).get(name)
        if new and old is not None:
            raise Exists(f"{name} is there already")
        uid = old["metadata"]["uid"] if old else f"uid-{next(self._versions)}"
        what["metadata"]["uid"] = uid
        what["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[folder][name] = what
        self._tell(folder, old, what)
        return copy.deepcopy(what)

    def _page(self, path: str, parameters: Mapping[str, str]) -> Object:
        key, _, value = parameters.get("labelSelector", "").partition("=")
        names = sorted(self.objects[path])
        start = parameters.get("continue", "")
        left = [
            self.objects[path][name]
            for name in names
            if name > start and _fits(self.objects[path][name], key, value)
        ]
        page = left[: int(parameters["limit"])]
        more = page[-1]["metadata"]["name"] if len(left) > len(page) else ""
        return {"items": copy.deepcopy(page), "metadata": {"continue": more}}

    def _tell(self, folder: str, old: Object | None, new: Object | None) -> None:
        for path, changed in self.listeners:
            if path == folder:
                changed(old, new)

    def follow(
        self, path: str, keep: Callable[[Object], Object | None], parameters: Any, changed: Changed
    ) -> Follower:
        """Follow the objects of a path."""
        return Follower(self, path, keep, changed)


def _fits(what: Object, key: str, value: str) -> bool:
    labels = what["metadata"].get("labels") or {}
    return not key or (key in labels and (not value or labels[key] == value))


class Follower:
    """A copy that is told of each change at once."""

    def __init__(
        self, api: FakeApi, path: str, keep: Callable[[Object], Object | None], changed: Changed
    ) -> None:
        self.objects: dict[str, Object] = {}
        self._api = api
        self._path = path
        self._keep = keep
        self._changed = changed

    def _take(self, old: Object | None, new: Object | None) -> None:
        kept = None if new is None else self._keep(copy.deepcopy(new))
        if kept is not None:
            self.objects[kept["metadata"]["name"]] = kept
            self._changed(old, kept)
        elif old is not None:
            self.objects.pop(old["metadata"]["name"], None)
            self._changed(old, None)

    async def run(self) -> NoReturn:
        for each in list(self._api.objects.get(self._path, {}).values()):
            self._take(None, each)
        self._api.listeners.append((self._path, self._take))
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")
