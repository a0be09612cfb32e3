"""Fetching the archive of a step over HTTP, and keeping what was in it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from steersman import trees
from steersman.core.errors import Refused, SteersmanError, Unavailable, UserError
from steersman.core.pipelines.model import Step
from steersman.trees import Limits

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

MIB = 1024 * 1024
PIECE = 256 * 1024
LIMITS = Limits(size=500 * MIB, entries=100_000)
"""What a step may hold, unpacked."""
PAUSES = (0.3, 1.0)
"""Seconds before the second and the third try."""
TIMEOUT = 30.0
"""Seconds a server may be silent."""
DEADLINE = 600.0
"""Seconds one archive may take."""
STALE = 3600.0
FILES = ".files-"
STEP_FILES = ("step.yml", "wercker-step.yml", "run.sh", "init.sh")


class Fetcher:
    """Fetches archives into *folder*, one folder for each step and address."""

    def __init__(
        self,
        folder: Path,
        *,
        refresh: bool = False,
        limits: Limits = LIMITS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._refresh = refresh
        self._limits = limits
        self._pause = pause
        self._fresh: set[str] = set()

    def fetch(self, step: Step, url: str) -> Path:
        """Return the folder of a step's files, fetched unless it is there already."""
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        name = f"{step.owner}-{step.name}@{step.version}-{digest}"
        target = self._folder / name
        if not target.is_dir() or (self._refresh and name not in self._fresh):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._sweep()
                self._fetch_into(step, url, target)
            except OSError as error:
                what = f"cannot keep fetched steps in {self._folder}"
                raise Refused(f"{what}: {error.strerror}") from error
            self._fresh.add(name)
        return target.resolve()

    def _fetch_into(self, step: Step, url: str, target: Path) -> None:
        """Let the link *target* lead to new files, at once: somebody may be reading the old."""
        scratch = Path(tempfile.mkdtemp(prefix=FILES, dir=self._folder))
        try:
            what = f"{step.place}: cannot fetch the step {step.name} from {url}"
            fetch(what, url, scratch / "files", self._limits, self._pause)
            root = step_root(scratch / "files").relative_to(self._folder)
            (scratch / "link").symlink_to(root)
            os.replace(scratch / "link", target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

    def _sweep(self) -> None:
        """Remove old files to which no link leads: of killed processes, or fetched again since."""
        links = [path for path in self._folder.iterdir() if path.is_symlink()]
        used = {os.readlink(path).partition("/")[0] for path in links}
        for path in self._folder.glob(f"{FILES}*"):
            with contextlib.suppress(FileNotFoundError):
                if path.name not in used and time.time() - path.stat().st_mtime > STALE:
                    shutil.rmtree(path, ignore_errors=True)


def fetch(
    what: str, url: str, into: Path, limits: Limits, pause: Callable[[float], None] = time.sleep
) -> None:
    """Fetch the archive at *url* into the new folder *into*; *what* begins the words of errors."""
    for seconds in PAUSES:
        try:
            return _once(what, url, into, limits)
        except Unavailable:
            shutil.rmtree(into, ignore_errors=True)
            pause(seconds)
    return _once(what, url, into, limits)


def _once(what: str, url: str, into: Path, limits: Limits) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError

    try:
        with opener().open(url, timeout=TIMEOUT) as response:
            asyncio.run(_unpack(response, into, limits))
    except HTTPError as error:
        with error:
            raise _answered(what, error.code) from error
    except trees.TooLarge:
        most = f"{limits.size // MIB} MiB or {limits.entries} files"
        raise UserError(f"{what}: it is larger than {most}") from None
    except (zlib.error, SteersmanError) as error:
        if isinstance(error, Unavailable):
            raise
        raise UserError(f"{what}: {error}", hint="it must be a tar or tar.gz archive") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unavailable(f"{what}: {reason}", hint="try again, or check the address") from error


def _answered(what: str, status: int) -> SteersmanError:
    if status >= 500:
        return Unavailable(f"{what}: the server answers with {status}", hint="try again later")
    reason = {401: "it needs a login", 403: "it is forbidden", 404: "it was not found"}.get(
        status, "the server refuses"
    )
    return UserError(f"{what}: {reason} ({status})", hint="check the address")


def step_root(folder: Path) -> Path:
    """Return where the step's files begin: archives of a repository have one folder on top."""
    if any((folder / name).is_file() for name in STEP_FILES):
        return folder
    found = [path for path in folder.iterdir() if not path.name.startswith("pax_global_header")]
    if len(found) == 1 and found[0].is_dir() and not found[0].is_symlink():
        return found[0]
    return folder


def opener() -> OpenerDirector:
    """Return an opener that speaks HTTP only, also after a redirection."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "steersman")]
    return opener


def unpack_bytes(data: bytes, into: Path, what: str, limits: Limits = LIMITS) -> None:
    """Unpack an archive that is here already; *what* names it in errors."""
    try:
        asyncio.run(_unpack(io.BytesIO(data), into, limits))
    except trees.TooLarge:
        most = f"{limits.size // MIB} MiB or {limits.entries} files"
        raise UserError(f"{what}: it is larger than {most}") from None
    except zlib.error as error:
        raise UserError(f"{what}: {error}", hint="it must be a tar or tar.gz archive") from error


async def _unpack(response: IO[bytes], into: Path, limits: Limits) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in unzipped(_read(response)):
            yield piece

    await trees.unpack(pieces(), into, limits)


def _read(response: IO[bytes]) -> Iterator[bytes]:
    began = time.monotonic()
    while piece := response.read(PIECE):
        yield piece
        if time.monotonic() - began > DEADLINE:
            raise TimeoutError(f"it took longer than {DEADLINE:.0f} seconds")


def unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Undo gzip, when it is gzip, without ever holding much more than a piece."""
    first = next(pieces, b"")
    if not first.startswith(b"\x1f\x8b"):
        yield first
        yield from pieces
        return
    unzip = zlib.decompressobj(31)
    for piece in _chain(first, pieces):
        rest = piece
        while rest:
            if unzip.eof:
                unzip = zlib.decompressobj(31)
            yield unzip.decompress(rest, PIECE)
            rest = unzip.unconsumed_tail or unzip.unused_data
    if not unzip.eof:
        raise zlib.error("the archive ends too early")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
