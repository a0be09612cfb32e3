"""A box in the engine: filled, started, attached and emptied."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman import trees
from steersman.containers.base import BoxSpec, Upload
from steersman.containers.docker.connection import Connection
from steersman.containers.docker.engine import Engine, EngineRefused, Stream
from steersman.containers.docker.frames import FrameReader
from steersman.core.errors import Refused, SteersmanError
from steersman.sessions.attach import SIGNALS, AttachTransport
from steersman.sessions.base import Kill
from steersman.trees import Collected, Entry, Kind, Limits

if TYPE_CHECKING:
    from steersman.containers.docker.terminal import DockerTerminal
    from steersman.containers.terminals import Size

START_DEADLINE = 120.0
LET_END = 0.3
_IS_FOLDER = 1 << 31
_IS_LINK = 1 << 27


class DockerBox:
    """A container that was created to run a session; *token* marks its control lines."""

    def __init__(self, engine: Engine, spec: BoxSpec, container: str, token: str) -> None:
        self._engine = engine
        self._spec = spec
        self._path = f"/containers/{container}"
        self._token = token
        self._ids: tuple[int, int] | None = None

    async def put(self, uploads: Sequence[Upload]) -> None:
        uid, gid = await self._user_ids()
        entries = (entry for upload in uploads for entry in below(upload))
        pieces = trees.pack(entries, uid=uid, gid=gid)
        await self._engine.upload(f"{self._path}/archive", {"path": "/"}, pieces)

    def spelled(self, uploads: Sequence[Upload]) -> str | None:
        # The engine starts a process of its own to unpack an archive: some 60 ms. Only root may
        # make folders at the top, and a volume may stand where they belong.
        if (self._spec.user or self._spec.image.user) not in ("", "0", "root"):
            return None
        return trees.spell(entry for upload in uploads for entry in below(upload))

    async def start(self) -> AttachTransport:
        connection = None
        try:
            connection, first = await self._engine.hijack(
                f"{self._path}/attach", stream="1", stdin="1", stdout="1", stderr="1"
            )
            await self._engine.request("POST", f"{self._path}/start", deadline=START_DEADLINE)
        except BaseException as error:
            if connection is not None:
                connection.abort()
            # Podman says at the attaching already what Docker says at the start.
            if isinstance(error, EngineRefused):
                await self._discard()
                raise explained(error, self._spec) from error
            raise

        async def write(data: bytes) -> None:
            connection.writer.write(data)
            await connection.writer.drain()

        async def close() -> None:
            await _let_end(connection)
            connection.abort()
            await asyncio.sleep(0)

        reader = FrameReader(connection.reader.read, first)
        return AttachTransport(reader, write, self._kill, self._token, close=close)

    async def _discard(self) -> None:
        with suppress(SteersmanError):
            await self._engine.delete(self._path, force="1", v="1")

    async def _kill(self, what: Kill) -> None:
        # A box that is gone needs no killing, and an engine that does not answer gets no second
        # request: the session asks again, harder.
        with suppress(SteersmanError):
            await self._engine.post(f"{self._path}/kill", signal=SIGNALS[what])

    async def fetch(self, path: str, into: Path, limits: Limits) -> Collected:
        try:
            async with self._archive(path) as (headers, pieces):
                if not stat_of(headers).get("mode", 0) & _IS_FOLDER:
                    return Collected(missing=True, skipped=(f"{path}: is not a folder",))
                return await trees.unpack(pieces, into, limits, strip=1)
        except EngineRefused as error:
            if error.status == 404:
                return Collected(missing=True)
            raise

    async def terminal(self, prepare: str, size: Size) -> DockerTerminal:
        from steersman.containers.docker import terminal

        return await terminal.start(self._engine, self._path, prepare, size)

    def _archive(self, path: str) -> AbstractAsyncContextManager[Stream]:
        return self._engine.stream("GET", f"{self._path}/archive", {"path": path})

    async def _user_ids(self) -> tuple[int, int]:
        if self._ids is None:
            user, _, group = (self._spec.user or self._spec.image.user or "0").partition(":")
            self._ids = await self._number(user, group)
        return self._ids

    async def _number(self, user: str, group: str) -> tuple[int, int]:
        uid, gid = _decimal(user), _decimal(group) if group else 0
        if user == "root" and not group:
            return 0, 0
        if uid is None:
            found = lookup(await self._text("/etc/passwd"), user)
            if found is None:
                raise Refused(
                    f"user {user} is not in /etc/passwd of image {self._spec.image.name}",
                    hint="set `user` of the box to a number, or to a user the image has",
                )
            uid, gid = int(found[2]), int(found[3]) if not group else gid
        if gid is None:
            found = lookup(await self._text("/etc/group"), group)
            gid = int(found[2]) if found else 0
        return uid, gid

    async def _text(self, path: str) -> str:
        import io
        import tarfile

        try:
            async with self._archive(path) as (_, pieces):
                data = b"".join([piece async for piece in bounded(pieces, 4 << 20)])
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                member = archive.next()
                file = archive.extractfile(member) if member and member.isreg() else None
                return file.read().decode(errors="replace") if file else ""
        except (EngineRefused, tarfile.TarError):
            return ""


async def _let_end(connection: Connection) -> None:
    """Let the shell see the end of its commands, and so the box end by itself.

    A box that has ended is removed faster than one that must be killed first.
    """
    with suppress(OSError, TimeoutError, NotImplementedError):
        connection.writer.write_eof()
        async with asyncio.timeout(LET_END):
            while await connection.reader.read(1 << 16):
                pass


async def bounded(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Yield *pieces* until *most* bytes have passed."""
    async for piece in pieces:
        yield piece
        most -= len(piece)
        if most < 0:
            return


def lookup(text: str, name: str) -> list[str] | None:
    """Return the fields of *name* in the text of /etc/passwd or /etc/group."""
    for line in text.splitlines():
        fields = line.split(":")
        if fields[0] == name and len(fields) >= 4 and fields[2].isdigit():
            return [*fields[:3], fields[3] if fields[3].isdigit() else "0"]
    return None


def _decimal(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def below(upload: Upload) -> Iterator[Entry]:
    """Yield the entries of *upload* as they stand below `/`, the target itself first."""
    prefix = upload.target.strip("/")
    if prefix and not _names_itself(upload.entries):
        yield Entry(name=prefix, kind=Kind.FOLDER, mode=0o755)
    for entry in upload.entries:
        target = f"{prefix}/{entry.target}" if entry.kind is Kind.HARDLINK else entry.target
        name = f"{prefix}/{entry.name}" if prefix and entry.name else prefix or entry.name
        if name:
            yield entry._replace(name=name, target=target)


def _names_itself(entries: Iterable[Entry]) -> bool:
    first = next(iter(entries), None)
    return first is not None and first.name == ""


def stat_of(headers: Any) -> dict[str, Any]:
    """Read what the engine says of the path it sends."""
    try:
        data = json.loads(base64.b64decode(headers.get("x-docker-container-path-stat", "")))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def explained(error: EngineRefused, spec: BoxSpec) -> Refused:
    """Say in plain words why a box did not start."""
    said = str(error)
    if "executable file not found" in said or "no such file or directory" in said:
        program = spec.entrypoint[0] if spec.entrypoint else "/bin/sh"
        if program in said:
            what = "box has no shell: " if program == "/bin/sh" else "box cannot start: "
            return Refused(
                f"{what}{program} is missing in image {spec.image.name}",
                hint="use an image with a POSIX shell at /bin/sh",
            )
    return Refused(f"the box {spec.image.name} cannot be started: {said}")
