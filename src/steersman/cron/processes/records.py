"""The folder of a run, from which every instance can tell what was launched and how it went.

`run.json` is there from the first moment: what is to begin. `started` is linked by the one shim
that began it, and locked as long as that lives; `ended` says how. A run that was given up before it
began has a `started` that says so, after which no shim can begin it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from steersman.core.schedules import durations, fires
from steersman.core.schedules.fires import Fire, Key, Kind, Outcome
from steersman.cron.launchers.base import Run
from steersman.cron.processes import shim

RUN = "run.json"
GONE = ".gone-"
NEW = ".new-"


class Stage(StrEnum):
    """How far a run has come. *lost*: its shim is gone, and did not say how it ended."""

    NEW = "new"
    GIVEN_UP = "given-up"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


class Process(NamedTuple):
    """A process: its *began* tells it from a later one of the same number."""

    pid: int
    began: str

    def alive(self) -> bool:
        """Tell whether it is there; one that has ended and waits to be noticed is not."""
        try:
            words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return words[19] == self.began and words[0] not in "ZX"


class Record(NamedTuple):
    """What a folder says; *shim* and *command* are known while it runs, and when it was lost."""

    run: Run
    stage: Stage
    shim: Process | None = None
    command: Process | None = None


def identity(fire: Fire) -> str:
    """Return what only this attempt at this instant has."""
    return fires.digest(*fire.key, fire.attempt)


def make(root: Path, fire: Fire, limit: float | None) -> None:
    """Make the folder of *fire*, whole or not at all; where it is already nothing happens."""
    said = {
        "schedule": fire.schedule, "instant": fire.instant, "kind": str(fire.kind),
        "attempt": fire.attempt, "fence": fire.fence, "limit": limit,
        "identity": identity(fire), "uid": os.urandom(16).hex(),
    }  # fmt: skip
    folder = root / fire.run
    if _torn(folder):
        remove(folder)
    new = Path(tempfile.mkdtemp(prefix=NEW, dir=root))
    try:
        (new / RUN).write_text(json.dumps(said) + "\n")
        # A folder that is not empty is never replaced.
        os.rename(new, folder)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        if not (folder / RUN).exists():
            raise


def _torn(folder: Path) -> bool:
    """Tell whether a power cut left half of what was to begin: then it has not."""
    try:
        return not _said(folder / RUN) and folder.exists() and not (folder / shim.STARTED).exists()
    except ValueError:
        return not (folder / shim.STARTED).exists()


def identity_of(folder: Path) -> str:
    """Return the identity of the run that a folder is of."""
    return str(_said(folder / RUN).get("identity"))


def look(folder: Path) -> Record | None:
    """Say how a run goes; None where there is none, or none of ours.

    What cannot be read just now is an `OSError`: it says nothing of the run.
    """
    try:
        order = _said(folder / RUN)
        run = Run(
            folder.name, order["uid"],
            Key(order["schedule"], order["instant"], Kind(order["kind"])), order["attempt"],
        )  # fmt: skip
        # In this order: what has ended is unlocked after that is written.
        started, locked = _started(folder)
        ended = _said(folder / shim.ENDED)
    except (NotADirectoryError, ValueError, KeyError):
        return None
    if ended:
        return Record(_ended(run, ended, order.get("limit")), Stage.ENDED)
    if not started:
        return Record(run, Stage.NEW)
    if started.get("given_up"):
        return Record(run, Stage.GIVEN_UP)
    return _going(run, started, locked=locked)


def _going(run: Run, started: Mapping[str, Any], *, locked: bool) -> Record:
    processes = Process(*started["shim"]), Process(*started["command"])
    if locked:
        return Record(run, Stage.RUNNING, *processes)
    lost = run._replace(
        outcome=Outcome.LOST, message="what watched over it was killed, or the machine went down"
    )
    return Record(lost, Stage.LOST, *processes)


def _ended(run: Run, ended: Mapping[str, Any], limit: float | None) -> Run:
    outcome, code, why = Outcome.FAILED, ended["code"], ended["why"]
    if why == "lost":
        outcome, message = Outcome.LOST, str(ended["message"])
    elif why == "limit":
        message = f"it was ended, as its limit of {durations.words(limit or 0)} was over"
    elif why == "stopped":
        message = "it was ended on request"
    elif code < 0:
        message = f"it was killed by signal {-code}"
    elif code > 0:
        message = f"it ended with {code}"
    else:
        outcome, message = Outcome.SUCCEEDED, ""
    return run._replace(outcome=outcome, ended=ended["at"], message=message)


def _started(folder: Path) -> tuple[Mapping[str, Any], bool]:
    """Return what `started` says, and whether it is locked."""
    try:
        handle = os.open(folder / shim.STARTED, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}, False
    with open(handle) as file:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            locked = False
        except BlockingIOError:
            locked = True
        said: Mapping[str, Any] = json.load(file)
        return said, locked


def _said(path: Path) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return said


def output(folder: Path) -> bytes | None:
    """Return the end of what a command has said; None where there is no run."""
    if not (folder / RUN).exists():
        return None
    found = b""
    for name in (shim.BEFORE, shim.OUTPUT):
        with contextlib.suppress(FileNotFoundError):
            found += (folder / name).read_bytes()
    return found


def output_size(folder: Path) -> int:
    """Return how many bytes are kept of what a command has said."""
    found = 0
    for name in (shim.BEFORE, shim.OUTPUT):
        with contextlib.suppress(FileNotFoundError):
            found += (folder / name).stat().st_size
    return found


def give_up(folder: Path) -> bool:
    """Keep a run that has not begun from ever doing so; False when it has."""
    handle, name = tempfile.mkstemp(prefix=f".{shim.STARTED}-", dir=folder)
    try:
        os.write(handle, b'{"given_up": true}\n')
        os.fsync(handle)
        os.link(name, folder / shim.STARTED)
    except FileExistsError:
        return False
    finally:
        os.close(handle)
        os.unlink(name)
    return True


def bury(folder: Path, lost: Run) -> Run:
    """Write down that a run was lost, and when that was seen; who did so first is right."""
    at = time.time()
    said = {"code": None, "why": "lost", "message": lost.message, "at": at}
    handle, name = tempfile.mkstemp(prefix=f".{shim.ENDED}-", dir=folder)
    with open(handle, "w") as file:
        file.write(json.dumps(said) + "\n")
    try:
        os.link(name, folder / shim.ENDED)
    except FileExistsError:
        record = look(folder)
        return lost._replace(ended=at) if record is None else record.run
    finally:
        os.unlink(name)
    return lost._replace(ended=at)


def remove(folder: Path) -> None:
    """Remove a run: at once for those who look, then its files."""
    gone = folder.with_name(f"{GONE}{folder.name}")
    with contextlib.suppress(OSError):
        os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(root: Path, before: float) -> None:
    """Remove what a process that was killed left half made or half removed."""
    for left in root.glob(f"{GONE}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in root.glob(f"{NEW}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < before:
                shutil.rmtree(left, ignore_errors=True)
