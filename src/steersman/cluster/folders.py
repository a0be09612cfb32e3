"""The folder of a runner on this machine, from which every worker can tell how it stands.

`spec.json` is there first and holds the token. `alive` appears together with the lock on it, which
the runner's process holds as long as it lives: no pid that was given anew can be mistaken for it.
A runner may be another user's, and its folder with it: nothing in there is trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from steersman.cluster.base import RunnerSpec, Seen, State
from steersman.cluster.specs import SPEC as SPEC
from steersman.cluster.specs import read_spec as read_spec
from steersman.core.errors import UserError

LOG, ALIVE = "runner.log", "alive"
REMOVED = ".removed-"
HALF_MADE = 10.0
"""Seconds after which a folder without a runner will not get one any more."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_TAIL = 2000
_NOTE = 300


def named(root: Path, attempt: str) -> Path:
    """Return the folder of an attempt's runner."""
    if not _NAME.fullmatch(attempt):
        raise UserError(f"{attempt[:120]!r} cannot be the id of an attempt")
    return root / attempt


def open_root(root: Path) -> None:
    """Make the folder of all runners: others may pass through it, but not look round."""
    if not root.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o711)
    for left in root.glob(f"{REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)


def write_spec(folder: Path, spec: RunnerSpec) -> None:
    """Make the folder with its spec, which is whole or not there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".spec-", dir=folder)
    with open(handle, "w") as file:
        json.dump({**spec._asdict(), "settings": dict(spec.settings)}, file)
    os.replace(name, folder / SPEC)


def claim(folder: Path) -> int | None:
    """Make `alive`, locked by the descriptor that is returned; None where there is one."""
    handle, name = tempfile.mkstemp(prefix=".alive-", dir=folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.link(name, folder / ALIVE)
    except FileExistsError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    finally:
        os.unlink(name)
    return handle


def look(folder: Path, now: float) -> Seen | None:
    """Say how the runner of a folder stands; None where there is no such folder."""
    try:
        with _opened(folder / ALIVE) as alive:
            started = os.fstat(alive).st_mtime
            if _is_locked(alive):
                return Seen(folder.name, State.RUNNING, started)
        return Seen(folder.name, State.ENDED, started, _last_words(folder))
    except FileNotFoundError:
        return _half_made(folder, now)
    except OSError as error:
        return Seen(folder.name, State.ENDED, 0.0, f"{folder / ALIVE}: {error.strerror}")


def _half_made(folder: Path, now: float) -> Seen | None:
    try:
        changed = folder.stat().st_mtime
    except FileNotFoundError:
        return None
    if now - changed < HALF_MADE:
        return Seen(folder.name, State.PENDING)
    return Seen(folder.name, State.ENDED, note="it never started")


def _is_locked(handle: int) -> bool:
    try:
        # Shared: two workers that look at the same time must not take each other for the runner.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def process_line(folder: Path) -> str:
    """Return what the runner wrote of its process into `alive`; empty where it did not yet."""
    with contextlib.suppress(OSError), _opened(folder / ALIVE) as alive:
        return os.read(alive, 100).decode("ascii", "replace")
    return ""


def _last_words(folder: Path) -> str:
    """Return the last line of the runner's own log, where a bug or a kill is told."""
    try:
        with _opened(folder / LOG) as log:
            size = os.fstat(log).st_size
            tail = os.pread(log, _TAIL, max(0, size - _TAIL)).decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return "".join(char for char in lines[-1] if char.isprintable())[-_NOTE:] if lines else ""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a plain file for reading, without following a link or waiting for a pipe."""
    handle = os.open(path, _READ)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is no plain file")
        yield handle
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove a runner's folder: at once for those who look, then its files."""
    left = folder.with_name(f"{REMOVED}{folder.name}")
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder, left)
    shutil.rmtree(left, ignore_errors=True)
