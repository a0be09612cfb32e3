"""Archives of steps that somebody publishes: taken in, and looked through before they are kept.

Whoever runs a step unpacks it beside other files: nothing in it may lead out of its folder, and
nothing may be in it twice, so that everybody reads the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import tarfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import IO, NamedTuple

from steersman.core import manifests
from steersman.core.errors import Unavailable, UserError
from steersman.core.manifests import Manifest
from steersman.step_archives import LIMITS, PIECE, STEP_FILES, unzipped
from steersman.step_store import MANIFESTS
from steersman.trees import reading
from steersman.trees.base import Damaged
from steersman.trees.reading import Member

MOST = 100_000_000
"""Bytes that are taken in, compressed or not."""
LONGEST_MANIFEST = 256 * 1024
MOST_NAMED = 5
MOST_MANIFESTS = 4
"""How many are held while it is not known which folder is on top."""


class Checked(NamedTuple):
    """An archive in which nothing is wrong. *sha256* is that of the plain tar."""

    manifest: Manifest
    sha256: str


async def receive(pieces: AsyncIterator[bytes], file: IO[bytes]) -> None:
    """Write what comes to *file*; `UserError` past the limit."""
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > MOST:
            raise UserError(
                f"the archive of the step is larger than {MOST} bytes",
                hint="leave out what the step does not need, or fetch it when it runs",
            )
        try:
            await asyncio.to_thread(file.write, piece)
        except OSError as error:
            raise Unavailable(f"cannot keep the archive meanwhile: {error.strerror}") from error


def plain(file: IO[bytes]) -> Iterator[bytes]:
    """Return *file* from its beginning as a plain tar, in pieces."""
    file.seek(0)
    return unzipped(iter(lambda: file.read(PIECE), b""))


async def plain_pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Give `plain` from a thread."""
    pieces = plain(file)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def check(file: IO[bytes], name: str, version: str) -> Checked:
    """Look through an archive; `UserError` says what keeps it from being published."""
    contents = _Contents()
    digest = hashlib.sha256()
    try:
        _read(plain(file), contents, digest.update)
    except (Damaged, zlib.error) as error:
        what = f"this cannot be read as an archive: {error}"
        raise UserError(what, hint="send a tar or tar.gz of the step's folder") from error
    if contents.wrong:
        raise UserError(
            f"the archive of the step has {'; '.join(contents.wrong)}",
            hint="pack regular files, folders, and links that stay in the step's folder",
        )
    return Checked(_manifest(contents, name, version), digest.hexdigest())


def _read(pieces: Iterator[bytes], contents: _Contents, note: Callable[[bytes], None]) -> None:
    source = reading.Input()
    members = reading.members(source, contents, 0)
    next(members)
    size, ended = 0, False
    for piece in pieces:
        size += len(piece)
        if size > LIMITS.size:
            raise UserError(f"the step is larger than {LIMITS.size} bytes, unpacked")
        note(piece)
        source.piece = memoryview(piece)
        ended = ended or next(members, True) is True
    if not ended:
        raise Damaged("it ends in the middle")
    contents.finish()


class _Contents:
    """Notes what is in an archive and what is wrong with it, and keeps the manifests."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.wrong: list[str] = []
        self.manifests: dict[str, bytearray] = {}
        self._folders: set[str] = set()
        self._links: set[str] = set()
        self._count = 0

    def begin(self, member: Member) -> Callable[[memoryview], None] | None:
        self._count += 1
        if self._count > LIMITS.entries:
            raise UserError(f"the step has more than {LIMITS.entries} files")
        if why := self._why(member):
            self._complain(member.name, why)
            return None
        return self._note(member)

    def end(self) -> None:
        """Nothing is open."""

    def finish(self) -> None:
        """Find what stands below something that is no folder, in whatever order they came."""
        others = self.files.keys() | self._links
        for name in sorted(others | self._folders):
            if name in others and name in self._folders:
                self._complain(name, "there is a folder of this name too")
            if not others.isdisjoint(_above(name)):
                self._complain(name, "it stands below something that is no folder")

    @property
    def top(self) -> str:
        """Return where the step begins: archives of a repository have one folder on top."""
        if any(name in self.files for name in STEP_FILES):
            return ""
        every = (*self.files, *self._links, *self._folders)
        first = {name.partition("/")[0] for name in every if name}
        return f"{first.pop()}/" if len(first) == 1 else ""

    def _why(self, member: Member) -> str | None:
        if member.why is not None or member.type == tarfile.DIRTYPE:
            return member.why
        if not member.name:
            return "a file without a name"
        if member.name in self.files or member.name in self._links:
            return "it is there twice"
        if member.type == tarfile.SYMTYPE and not _stays(member.name, member.target):
            return "a link that leads outside"
        if member.type == tarfile.LNKTYPE and member.target not in self.files:
            return "a hard link to something that is not before it"
        return None

    def _note(self, member: Member) -> Callable[[memoryview], None] | None:
        name = member.name
        if member.type == tarfile.DIRTYPE:
            self._folders.add(name)
        elif member.type == tarfile.SYMTYPE:
            self._links.add(name)
        else:
            self.files[name] = member.size
            folder, _, last = name.rpartition("/")
            is_near = "/" not in folder and len(self.manifests) < MOST_MANIFESTS
            if last in MANIFESTS and (not folder or is_near):
                self.manifests[name] = bytearray()
                return lambda part: self._keep(name, part)
        return None

    def _keep(self, name: str, part: memoryview) -> None:
        kept = self.manifests[name]
        kept += part[: LONGEST_MANIFEST + 1 - len(kept)]

    def _complain(self, name: str, why: str) -> None:
        if len(self.wrong) < MOST_NAMED:
            self.wrong.append(f"{name[:200]!r} ({why})")


def _above(name: str) -> Iterator[str]:
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def _stays(name: str, target: str) -> bool:
    """Tell whether a link stays inside, though parts of its way may be links that stay inside.

    Only at its beginning may it go up: there the folders are real ones.
    """
    if not target or target.startswith("/"):
        return False
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    return up <= name.count("/") and ".." not in parts[up:]


def _manifest(contents: _Contents, name: str, version: str) -> Manifest:
    file = next((each for each in MANIFESTS if contents.top + each in contents.manifests), None)
    if file is None:
        raise UserError("the step has no step.yml", hint="put one at the top of its folder")
    data = bytes(contents.manifests[contents.top + file])
    if len(data) > LONGEST_MANIFEST:
        raise UserError(f"{file} is longer than {LONGEST_MANIFEST} bytes")
    found = manifests.read(_plain(file, data))
    for what, wanted, said in (("name", name, found.name), ("version", version, found.version)):
        if said != wanted:
            raise UserError(
                f"{file} says the {what} {said[:100]!r}, not {wanted!r}",
                hint=f"write `{what}: {wanted}` in it, or publish it as what it says",
            )
    return found


def _plain(file: str, data: bytes) -> object:
    import yaml

    mark = None
    with suppress(RecursionError):
        try:
            # The base loader makes nothing but texts, lists and maps.
            return yaml.load(data, yaml.BaseLoader)  # noqa: S506
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1})" if mark else ""
    raise UserError(f"{file} cannot be read as YAML{where}")
