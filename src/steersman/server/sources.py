"""What a commit says should run: brought into the mirror, and its pipeline file read.

A commit never changes, so what was read of the last few is kept. Triggers that wait together
share one fetch: it need only begin after each of them was accepted.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from steersman import pipeline_file
from steersman.core.pipelines.model import Config
from steersman.core.problems import Problem
from steersman.core.schedules import doubting
from steersman.keyring import Keyring
from steersman.mirrors.base import Commit
from steersman.mirrors.git import Mirrors
from steersman.server import placing
from steersman.store.base import Row

FILE_LIMIT = pipeline_file.MAX_BYTES
KEPT = 200
FETCHABLE = ("refs/pull/", "refs/merge-requests/")


class Read(NamedTuple):
    """What a commit says should run. *message* is why nothing can; *problems* are in the file."""

    commit: Commit | None
    file: str = ""
    text: str = ""
    config: Config | None = None
    problems: tuple[Problem, ...] = ()
    message: str = ""
    paths: tuple[str, ...] | None = None
    errored: bool = False


class Sources:
    """Reads commits of projects."""

    def __init__(self, mirrors: Mirrors, keyring: Keyring) -> None:
        self.mirrors = mirrors
        self.keyring = keyring
        self._known: OrderedDict[tuple[str, str], Read] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._fetched: dict[str, float] = {}
        self._named: OrderedDict[tuple[str, str], tuple[float, Commit]] = OrderedDict()

    async def read(self, project: Row, request: Mapping[str, Any], accepted_by: float) -> Read:
        """Return what is to run for *request*, which was accepted by then (a monotonic time)."""
        if request.get("deleted"):
            return Read(None)
        commit = await self._commit(project, request, accepted_by)
        found = await self._file(project["id"], commit)
        paths = request.get("paths")
        if paths is None and request.get("before"):
            paths = await self.mirrors.changed_paths(project["id"], request["before"], commit.sha)
        return found._replace(commit=commit, paths=None if paths is None else tuple(paths))

    async def _commit(self, project: Row, request: Mapping[str, Any], accepted_by: float) -> Commit:
        name, wanted = project["id"], request.get("commit") or ""
        known = self._known.get((name, wanted))
        if known is not None and known.commit is not None:
            return known.commit
        if not wanted or not await self.mirrors.has(name, wanted):
            await self._fetch(project, request, accepted_by)
        named = str(wanted or request.get("tag") or request.get("branch") or "HEAD")
        fetched = self._fetched.get(name, 0.0)
        before = self._named.get((name, named))
        if before is not None and before[0] == fetched:
            return before[1]
        commit = await self.mirrors.resolve(name, named)
        self._named[name, named] = (fetched, commit)
        if len(self._named) > KEPT:
            self._named.popitem(last=False)
        return commit

    async def _fetch(self, project: Row, request: Mapping[str, Any], accepted_by: float) -> None:
        name = project["id"]
        ref = str(request.get("ref") or "")
        refs = [ref] if ref.startswith(FETCHABLE) else None
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if refs is None and self._fetched.get(name, 0.0) > accepted_by:
                return
            begun = time.monotonic()
            await self.mirrors.fetch(
                name,
                project["repository"],
                credentials=placing.credentials(self.keyring, project),
                refs=refs,
            )
            self._fetched[name] = begun

    async def _file(self, project: str, commit: Commit) -> Read:
        known = self._known.get((project, commit.sha))
        if known is not None:
            self._known.move_to_end((project, commit.sha))
            return known
        found = await self._parsed(project, commit)
        self._known[project, commit.sha] = found
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found

    async def _parsed(self, project: str, commit: Commit) -> Read:
        for file in pipeline_file.NAMES:
            data = await self.mirrors.file(project, commit.sha, file, FILE_LIMIT)
            if data is not None:
                parsed = await asyncio.to_thread(pipeline_file.parse, data, file)
                # A file with a NUL is never right, but is shown, and no text in PostgreSQL has one.
                text = parsed.source.replace("\0", "\N{REPLACEMENT CHARACTER}")
                config, found = parsed.config, parsed.problems
                doubts = await asyncio.to_thread(_doubts, config) if config else ()
                return Read(commit, file, text, config, (*found, *doubts))
        names = ", ".join(pipeline_file.NAMES[:-1])
        looked = f"looked for {names} or {pipeline_file.NAMES[-1]}"
        return Read(commit, message=f"the commit {commit.sha[:12]} has no pipeline file: {looked}")


def _doubts(config: Config) -> tuple[Problem, ...]:
    return tuple(doubting.doubts(config, int(time.time())))
