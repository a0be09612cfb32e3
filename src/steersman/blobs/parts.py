"""Blobs that are being written: files beside the others, renamed when they are whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from pathlib import Path
from typing import IO

PARTS = "~parts"
"""The folder they are in; no key has a `~`."""
TRIES = 10


class Part:
    """A blob on its way into the folder *root*.

    A lock keeps cleaning up from overtaking writing, which a cancelled task leaves to its thread.
    """

    def __init__(self, root: Path, *, sync: bool) -> None:
        self._root = root
        self._sync = sync
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._over = False

    def write(self, data: bytes) -> None:
        """Write *data* after what is there."""
        with self._lock:
            if not self._over:
                self._opened().write(data)

    def put(self, data: bytes, path: Path) -> None:
        """Let *data* be the blob at *path*."""
        try:
            self.write(data)
            self.finish(path)
        except BaseException:
            self.abandon()
            raise

    def finish(self, path: Path) -> None:
        """Let what was written be the blob at *path*, at once."""
        with self._lock:
            if self._over:
                return
            with self._opened() as file:
                file.flush()
                if self._sync:
                    os.fsync(file.fileno())
            _move(Path(file.name), self._root / path)
            self._over = True
            if self._sync:
                _sync_folders(self._root, path)

    def abandon(self) -> None:
        """Remove what was written, unless it is a blob by now; nothing is written any more."""
        with self._lock:
            if self._file is not None and not self._over:
                # What is still in its buffer may not fit either, and the rest is swept one day.
                with contextlib.suppress(OSError):
                    self._file.close()
                with contextlib.suppress(OSError):
                    Path(self._file.name).unlink()
            self._over = True

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = self._root / PARTS
            folder.mkdir(mode=0o700, exist_ok=True)
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it stays open
                dir=folder, prefix="", suffix=".part", delete=False
            )
        return self._file


def _move(source: Path, target: Path) -> None:
    for _ in range(TRIES):
        # A delete may remove the folder that it emptied, between these two.
        with contextlib.suppress(FileNotFoundError):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
            return
    os.replace(source, target)


def _sync_folders(root: Path, path: Path) -> None:
    """Write down the names on the way to *path*, any of which may be new."""
    for folder in path.parents:
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(root / folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
