"""A commit as a tar archive, with what its submodules and its large files hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from steersman.core.errors import Refused, SteersmanError, UserError
from steersman.mirrors import commands, complaints, reading, submodules, tars
from steersman.mirrors.repositories import Repository
from steersman.mirrors.submodules import Submodule

Bring = Callable[[Repository, Submodule], Awaitable[Repository]]


class Part(NamedTuple):
    """One repository's share of an archive, below *prefix* (empty, or ending with a slash)."""

    repository: Repository
    commit: str
    prefix: str

    def seen_with(self, environment: Mapping[str, str]) -> Part:
        return self._replace(repository=self.repository._replace(environment=environment))


async def parts(top: Part, bring: Bring) -> list[Part]:
    """Return *top* and all submodules below it, each brought here by *bring*."""
    found = [top]
    level = [top]
    for _ in range(submodules.DEEPEST):
        level = [inner for part in level for inner in await _inner(part, bring, len(found))]
        found += level
        if len(found) > submodules.MOST + 1:
            raise UserError(f"there are more than {submodules.MOST} submodules")
        if not level:
            return found
    if any([await _listed(part) for part in level]):
        raise UserError(f"submodules are more than {submodules.DEEPEST} levels deep")
    return found


async def _inner(part: Part, bring: Bring, known: int) -> list[Part]:
    brought: list[Part] = []
    for submodule in await _listed(part):
        what = f"the submodule {part.prefix}{submodule.path}"
        if known + len(brought) > submodules.MOST:
            raise UserError(f"there are more than {submodules.MOST} submodules")
        try:
            repository = await bring(part.repository, submodule)
        except SteersmanError as error:
            raise type(error)(f"{what}: {error}", hint=error.hint) from error
        if not await reading.has(repository, submodule.commit):
            hint = "push that commit, or let the submodule be one that is there"
            raise UserError(f"{what}: its repository has no {submodule.commit}", hint=hint)
        brought.append(Part(repository, submodule.commit, f"{part.prefix}{submodule.path}/"))
    return brought


async def _listed(part: Part) -> list[Submodule]:
    blob = f"--blob={part.commit}:{submodules.FILE}"
    done = await part.repository.ask("config", "-z", blob, "--list")
    urls = submodules.addresses(b"" if done.status else done.out)
    if not urls:
        return []
    paths = map(commands.check_path, urls)
    out = await part.repository.answer(
        "cannot list submodules", "ls-tree", "-z", part.commit, "--", *paths
    )
    return list(submodules.linked(out, urls))


async def fetch_lfs(part: Part, environment: Mapping[str, str]) -> None:
    """Bring the large files of *part* into its mirror."""
    seen = part.seen_with(environment).repository
    if (await seen.ask("lfs", "version")).status:
        hint = "install git-lfs on the server, or build without large files"
        raise Refused("the repository's large files need `git lfs`, which is not here", hint=hint)
    done = await seen.ask("lfs", "fetch", "origin", part.commit)
    if done.status:
        raise complaints.error("cannot fetch large files", done.err)


async def joined(found: Sequence[Part]) -> AsyncGenerator[bytes, None]:
    """Yield all of *found* as one archive."""
    for part in found:
        body = tars.Body()
        prefix = [f"--prefix={part.prefix}"] if part.prefix else []
        words = ("archive", "--format=tar", *prefix, part.commit)
        what = f"cannot archive {part.commit}"
        async with aclosing(part.repository.stream(what, *words)) as pieces:
            async for piece in pieces:
                if known := body.feed(piece):
                    yield known
    yield tars.END
