"""A folder, or an address on the web, as a registry of steps; core/step_indexes says what is in it.

What was fetched is kept by the digest of its archive: another content is another folder, and the
same content under two names is fetched once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from steersman.cli import step_folders
from steersman.core import step_indexes, versions
from steersman.core.errors import NotFound, Refused, SteersmanError, Unavailable, UserError
from steersman.core.pipelines.model import Step
from steersman.core.step_indexes import Published
from steersman.step_archives import PAUSES, TIMEOUT, opener, step_root, unpack_bytes
from steersman.step_store import Registry

LONGEST_INDEX = 4 << 20
LONGEST_ARCHIVE = 100_000_000
SERVER = "server"


def of_flags(flags: Mapping[str, object], steps: Path) -> Registry | None:
    """Return the registry that `--step-registry` names; *steps* is where fetched steps are kept."""
    address = flags.get("step_registry")
    if not address:
        return None
    kept = steps / ".fetched"
    if address == SERVER:
        return _of_server(kept)
    return StepRegistry(str(address), kept, refresh=bool(flags.get("refresh_steps")))


def _of_server(kept: Path) -> Registry:
    from steersman.cli.remote import connection, servers
    from steersman.runner import registries

    asked = connection.Asked(servers.Wanted(None, None, None))
    return registries.of_api(connection.connecting(asked), kept)


class StepRegistry:
    """Finds steps at *address*, and keeps them in *folder*.

    A registry on the web is asked again for every range of versions, since there may be a newer
    one; a version that is named exactly and is kept is not asked for. With *refresh* it always is.
    """

    def __init__(
        self,
        address: str,
        folder: Path,
        *,
        refresh: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address.removeprefix("file://").rstrip("/") or "/"
        self._is_web = self._address.startswith(("http://", "https://"))
        self._folder = folder
        self._refresh = refresh
        self._pause = pause
        self._asked: dict[str, dict[str, Published]] = {}
        if not self._is_web and not Path(self._address).is_dir():
            raise UserError(
                f"there is no step registry at {address}",
                hint="--step-registry names a folder, an http(s) address, or `server`",
            )

    def __call__(self, step: Step) -> Path | None:
        """Return the folder of a step's files; None for a step that is not in this registry."""
        name = f"{step.owner}/{step.name}"
        kept = self._kept_index(name)
        exactly = kept.get(step.version)
        if exactly is not None and not self._refresh and self._place(exactly).is_dir():
            return self._root(exactly)
        index = self._index(name)
        if index is None:
            return None
        version = versions.newest(index, step.version)
        if version is None:
            listed = ", ".join(sorted(index, reverse=True)[:10])
            raise UserError(
                f"{step.place}: {self._address} has no version {step.version} of {name}",
                hint=f"it has {listed}" if listed else "nothing of it is published there",
            )
        return self._fetched(f"{name}/{step_indexes.archive_name(version)}", index[version])

    def _kept_index(self, name: str) -> dict[str, Published]:
        with contextlib.suppress(OSError, UserError):
            return step_indexes.read(self._index_file(name).read_bytes())
        return {}

    def _index_file(self, name: str) -> Path:
        key = hashlib.sha256(f"{self._address} {name}".encode()).hexdigest()
        return self._folder / f"index-{key[:32]}.json"

    def _index(self, name: str) -> dict[str, Published] | None:
        if name not in self._asked:
            try:
                data = self._read(f"{name}/{step_indexes.FILE}", LONGEST_INDEX)
            except NotFound:
                return None
            try:
                self._asked[name] = step_indexes.read(data)
            except UserError as error:
                where = f"{self._address}/{name}/{step_indexes.FILE}"
                raise UserError(f"{where}: {error}", hint=error.hint) from None
            if self._is_web:
                self._write(self._index_file(name), data)
        return self._asked[name]

    def _write(self, path: Path, data: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(data)
            os.replace(file.name, path)
        except OSError as error:
            raise _cannot_keep(self._folder, error) from error

    def _place(self, item: Published) -> Path:
        return self._folder / f"sha256-{item.sha256}"

    def _root(self, item: Published) -> Path:
        return step_root(self._place(item))

    def _fetched(self, path: str, item: Published) -> Path:
        place = self._place(item)
        if not place.is_dir():
            data = self._read(path, LONGEST_ARCHIVE)
            if step_folders.digest(data) != item.sha256:
                raise Refused(
                    f"{self._address}/{path} is not what its index says: its digest differs",
                    hint="somebody changed a version that was published; ask whoever runs it",
                )
            self._unpack(data, path, place)
        return self._root(item)

    def _unpack(self, data: bytes, path: str, place: Path) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=".files-", dir=self._folder))
        except OSError as error:
            raise _cannot_keep(self._folder, error) from error
        try:
            unpack_bytes(data, scratch / "files", f"{self._address}/{path}")
            os.rename(scratch / "files", place)
        except OSError as error:
            # Somebody else may have been faster, with the same content.
            if not place.is_dir():
                raise _cannot_keep(self._folder, error) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _read(self, path: str, most: int) -> bytes:
        data = self._from_web(path, most) if self._is_web else self._from_folder(path, most)
        if len(data) > most:
            raise UserError(f"{self._address}/{path} is larger than {most} bytes")
        return data

    def _from_folder(self, path: str, most: int) -> bytes:
        where = Path(self._address, path)
        try:
            with where.open("rb") as file:
                return file.read(most + 1)
        except FileNotFoundError:
            raise NotFound(f"there is no {where}") from None
        except OSError as error:
            raise Refused(f"cannot read {where}: {error.strerror}") from error

    def _from_web(self, path: str, most: int) -> bytes:
        for pause in PAUSES:
            try:
                return self._once(path, most)
            except Unavailable:
                self._pause(pause)
        return self._once(path, most)

    def _once(self, path: str, most: int) -> bytes:
        from http.client import HTTPException
        from urllib.error import HTTPError

        url = f"{self._address}/{path}"
        try:
            with opener().open(url, timeout=TIMEOUT) as response:
                data: bytes = response.read(most + 1)
                return data
        except HTTPError as error:
            with error:
                raise _answered(url, error.code) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise Unavailable(
                f"the step registry does not answer: {url}: {reason}",
                hint="try again; a version that is named exactly and was used before needs it not",
            ) from error


def _answered(url: str, status: int) -> SteersmanError:
    if status in (404, 410):
        return NotFound(f"there is no {url}")
    if status >= 500 or status == 429:
        return Unavailable(f"{url} answers with {status}", hint="try again later")
    return Refused(f"{url} answers with {status}", hint="look at the registry's address")


def _cannot_keep(folder: Path, error: OSError) -> SteersmanError:
    return Refused(f"cannot keep fetched steps in {folder}: {error.strerror}")


def publish(registry: Path, owner: str, looked: step_folders.Looked, data: bytes) -> bool:
    """Put a step's archive into a folder that is a registry; False if it was there already."""
    folder = registry / owner / looked.name
    index = folder / step_indexes.FILE
    item = Published(step_folders.digest(data), len(data), looked.summary)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = step_indexes.read(index.read_bytes()) if index.exists() else {}
        made = step_indexes.added(known, f"{owner}/{looked.name}", looked.version, item)
        if looked.version in known:
            return False
        # The index comes last: whoever reads it finds the archive.
        _replace(folder / step_indexes.archive_name(looked.version), data)
        _replace(index, step_indexes.write(made).encode())
    except OSError as error:
        raise Refused(f"cannot write to {folder}: {error.strerror}") from error
    return True


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(data)
    os.replace(part, path)
