"""The mirrors of all projects, below one folder that several servers may share."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from steersman.core.errors import Refused, UserError
from steersman.mirrors import (
    addresses,
    archiving,
    commands,
    fetching,
    locks,
    logins,
    reading,
)
from steersman.mirrors.addresses import Address
from steersman.mirrors.base import Commit, Credentials, Rules
from steersman.mirrors.fetching import Source
from steersman.mirrors.repositories import Repository
from steersman.mirrors.small_archives import Key, SmallArchives
from steersman.mirrors.submodules import Submodule

_PROJECT = re.compile(r"[a-z0-9]{1,100}")


class Mirrors:
    """Bare repositories below *root*, one for each project, and one for each of its submodules.

    *deadline* is how many seconds a git may take, and somebody else may hold a mirror.
    """

    def __init__(self, root: Path, *, deadline: float = 120.0, rules: Rules | None = None) -> None:
        self._root = root.absolute()
        self._deadline = deadline
        self.rules = rules or Rules()
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._small = SmallArchives()

    async def fetch(
        self,
        project: str,
        url: str,
        *,
        credentials: Credentials | None,
        refs: Sequence[str] | None = None,
    ) -> None:
        """Bring the project's mirror up to date with *url*; it is made when it is missing.

        All heads and tags are fetched, and those that are gone are dropped. *refs* names more, such
        as `refs/pull/*/head` or the id of a commit. A login in *url* serves without *credentials*.
        """
        address, given = addresses.parse(url, self.rules)
        wanted = commands.refspecs(refs or ())
        await self._fetch(_checked(project), address, credentials or given, wanted)

    async def _fetch(
        self, name: str, address: Address, credentials: Credentials | None, wanted: Sequence[str]
    ) -> None:
        source = Source(address, wanted, credentials.password if credentials else "")
        async with self._alone(name) as lock:
            with logins.opened(self._root, address, credentials, self.rules) as login:
                repository = self._repository(name)
                environment = {**repository.environment, **login}
                await fetching.fetch(
                    repository._replace(environment=environment, held=(lock,)), source
                )

    async def projects(self) -> set[str]:
        """Return the projects that have something here, be it half made."""
        return await asyncio.to_thread(self._projects)

    def _projects(self) -> set[str]:
        kinds = (".git", ".new", ".old")
        found = (path.name for path in self._root.glob("*.*") if path.suffix in kinds)
        return {name.split(".")[0].split("-")[0] for name in found}

    async def has(self, project: str, commit: str) -> bool:
        """Tell whether the mirror has *commit*."""
        repository = self._of(project)
        if not repository.is_usable():
            return False
        return self._small.knows(project, commit) or await reading.has(repository, commit)

    async def resolve(self, project: str, ref_or_commit: str) -> Commit:
        """Return the commit that a branch, a tag, an id or HEAD (the default branch) names."""
        return await reading.resolve(self._there(project), ref_or_commit)

    async def file(self, project: str, commit: str, path: str, limit: int) -> bytes | None:
        """Return what a regular file of at most *limit* bytes holds; None when it is not there."""
        return await reading.file(self._there(project), commit, path, limit)

    async def changed_paths(
        self, project: str, old: str, new: str, limit: int = 10_000
    ) -> tuple[str, ...] | None:
        """Return which paths differ; None when that is not known, or more than *limit* do."""
        return await reading.changed_paths(self._there(project), old, new, limit)

    async def commits(self, project: str, old: str, new: str, limit: int = 1000) -> tuple[str, ...]:
        """Return the messages of the commits after *old* up to *new*, the newest first."""
        return await reading.messages(self._there(project), old, new, limit)

    async def archive(
        self,
        project: str,
        commit: str,
        *,
        submodules: bool = False,
        lfs: bool = False,
        credentials: Credentials | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield an uncompressed tar of *commit*, as a checkout would have it.

        *credentials* are shown only to the host that the project itself comes from. All that has to
        be fetched is there before the first byte is yielded.
        """
        top, key = self._there(project), Key(project, commit, submodules, lfs)
        small = self._small.get(key)
        if small is not None:
            yield small
            return
        if not await reading.has(top, commit):
            raise UserError(f"the mirror has no commit {commit}", hint="fetch it first")
        parts = [archiving.Part(top, commit, "")]
        if submodules:
            parts = await archiving.parts(parts[0], self._bringer(project, top, credentials))
        if lfs:
            parts = await self._with_lfs(parts, credentials)
        async with aclosing(archiving.joined(parts)) as pieces:
            async for piece in self._small.kept(key, pieces):
                yield piece

    def _bringer(
        self, project: str, top: Repository, credentials: Credentials | None
    ) -> archiving.Bring:
        """Return what fetches a submodule of a repository, unless it is there already."""
        home = top.address()

        async def bring(parent: Repository, submodule: Submodule) -> Repository:
            base = parent.address()
            if base is None or home is None:
                raise Refused("nobody knows where the mirror is from", hint="fetch it first")
            address = addresses.of_submodule(base, submodule.url, self.rules)
            # Per project: what one may read is not for all others.
            digest = hashlib.sha256(address.text.encode()).hexdigest()[:24]
            name = f"{project}-{digest}"
            repository = self._repository(name)
            login = credentials if address.origin == home.origin else None
            for wanted in ((), (submodule.commit,)):
                if repository.is_usable() and await reading.has(repository, submodule.commit):
                    break
                await self._fetch(name, address, login, commands.refspecs(wanted))
            return repository

        return bring

    async def _with_lfs(
        self, parts: Sequence[archiving.Part], credentials: Credentials | None
    ) -> list[archiving.Part]:
        home = parts[0].repository.address()
        with_files: list[archiving.Part] = []
        for part in parts:
            address = part.repository.address()
            if address is None or home is None:
                raise Refused("nobody knows where the mirror is from", hint="fetch it first")
            login = credentials if address.origin == home.origin else None
            with logins.opened(self._root, address, login, self.rules) as more:
                settings = commands.lfs_settings(address)
                plain = commands.environment(os.environ, self.rules, settings)
                await archiving.fetch_lfs(part, {**plain, **more})
            with_files.append(part.seen_with(plain))
        return with_files

    async def remove(self, project: str) -> None:
        """Remove the mirror and those of its submodules; what is not there is removed already."""
        self._small.forget(project)
        for name in self._names(project):
            async with self._alone(name):
                for suffix in (".git", ".new", ".old"):
                    path = self._root / f"{name}{suffix}"
                    await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
                (self._root / f"{name}.lock").unlink(missing_ok=True)

    async def size(self, project: str) -> int:
        """Return how many bytes of disk the mirror and those of its submodules take."""
        folders = [self._root / f"{name}.git" for name in self._names(project)]
        return sum([await asyncio.to_thread(_size, folder) for folder in folders])

    async def compact(self, project: str) -> None:
        """Pack the mirror anew, and drop what nothing has led to for two weeks."""
        for name in self._names(project):
            async with self._alone(name) as lock:
                repository = self._repository(name)._replace(held=(lock,))
                if repository.is_usable():
                    words = ("gc", "--quiet", "--prune=2.weeks.ago")
                    await repository.answer(f"cannot pack the mirror {name}", *words)

    def _names(self, project: str) -> list[str]:
        inner = {path.stem for path in self._root.glob(f"{_checked(project)}-*.*")}
        return [project, *sorted(inner)]

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncGenerator[int, None]:
        """Let nobody else write to the mirror *name*: no task of ours, no other server."""
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"cannot make {self._root}: {error.strerror}") from error
        mine = self._busy.setdefault(name, asyncio.Lock())
        async with mine, locks.held(self._root / f"{name}.lock", self._deadline) as lock:
            yield lock

    def _repository(self, name: str) -> Repository:
        environment = commands.environment(os.environ, self.rules)
        return Repository(self._root / f"{name}.git", environment, self._deadline)

    def _of(self, project: str) -> Repository:
        return self._repository(_checked(project))

    def _there(self, project: str) -> Repository:
        repository = self._of(project)
        if not repository.folder.is_dir():
            raise UserError(f"there is no mirror of the project {project}", hint="fetch it first")
        return repository


def _checked(project: str) -> str:
    if not _PROJECT.fullmatch(project):
        raise UserError(f"{project[:80]!r} cannot be the id of a project")
    return project


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
            except FileNotFoundError:
                continue  # a fetch has just finished with it
    return total
