"""Bringing a mirror up to date; whoever calls holds its lock."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from steersman.core.errors import Refused, SteersmanError, Unavailable
from steersman.mirrors import commands, complaints
from steersman.mirrors.addresses import Address
from steersman.mirrors.complaints import Damaged
from steersman.mirrors.repositories import URL, Repository

# What is built or tested is the commit as somebody would check it out. With export-ignore and
# export-subst, made for releases, tests would be missing and files differ from what was committed.
ATTRIBUTES = "* -export-ignore -export-subst\n"


class Source(NamedTuple):
    """Where to fetch from, and which refspecs; *secret* must not be in any message."""

    address: Address
    wanted: Sequence[str]
    secret: str = ""

    @property
    def what(self) -> str:
        return f"cannot fetch {self.address.text}"


async def fetch(repository: Repository, source: Source) -> None:
    """Bring *repository* up to date with *source*; it is made when it is missing or damaged."""
    try:
        await asyncio.to_thread(_sweep, repository.folder)
        if repository.is_usable():
            with suppress(Damaged):
                await _update(repository, source)
                return
        await _build(repository, source)
    except OSError as error:
        raise Refused(f"{source.what}: {error.filename}: {error.strerror}") from error


async def _build(repository: Repository, source: Source) -> None:
    """Make the mirror beside its place: until it is whole the old one, if any, is used."""
    folder = repository.folder
    new, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    building = repository._replace(folder=new)
    try:
        await building.answer(source.what, "init", "--quiet", "--bare", "--template=")
        (new / "info").mkdir(exist_ok=True)
        (new / "info" / "attributes").write_text(ATTRIBUTES)
        await _update(building, source)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except Damaged as error:
        raise Unavailable(f"{error}; what the host sends is broken", hint=error.hint) from error
    finally:
        for path in (new, old):
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


async def _update(repository: Repository, source: Source) -> None:
    done = await repository.ask(*commands.fetch(source.address, source.wanted))
    if done.status:
        raise complaints.error(source.what, done.err, source.secret)
    (repository.folder / URL).write_text(source.address.text)
    if (await repository.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")).status:
        await _choose_head(repository, source)


async def _choose_head(repository: Repository, source: Source) -> None:
    """Let HEAD be the branch that it is at the source; it stays dangling if there is none."""
    words = ("ls-remote", "--symref", "--end-of-options", source.address.text, "HEAD")
    done = await repository.ask(*words)
    line = done.out.decode(errors="replace").partition("\n")[0]
    branch = line.removeprefix("ref: ").partition("\t")[0]
    with suppress(SteersmanError):
        if branch.startswith("refs/heads/"):
            await repository.ask("symbolic-ref", "HEAD", commands.check_ref(branch))


def _sweep(folder: Path) -> None:
    """Remove what a killed git left: nobody writes here, since we hold the lock."""
    for path in (folder.with_suffix(".new"), folder.with_suffix(".old")):
        shutil.rmtree(path, ignore_errors=True)
    for path in _leftovers(folder):
        path.unlink(missing_ok=True)


def _leftovers(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.lock")
    yield from (folder / "refs").rglob("*.lock")
    yield from (folder / "objects" / "info").glob("*.lock")
    yield from (folder / "objects" / "pack").glob("tmp_*")
