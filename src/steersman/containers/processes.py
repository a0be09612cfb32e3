"""The processes of a run on this machine: found by their session and by their environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from steersman.sessions.base import Kill

MARK = "STEERSMAN_RUN_ID"
_PROC = Path("/proc")
_ROUNDS = 5


class Process(NamedTuple):
    """One living process."""

    pid: int
    parent: int


def of_run(run_id: str, leader: int | None = None) -> Iterator[Process]:
    """Yield the processes of *leader*'s session and those whose environment names the run."""
    mark = f"{MARK}={run_id}".encode()
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdigit() and (found := _read(int(entry.name), mark, leader)):
            yield found


def _read(pid: int, mark: bytes, leader: int | None) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        state, parent, _, session = stat.rpartition(b")")[2].split()[:4]
        if state in (b"Z", b"X") or pid == os.getpid():
            return None
        ours = leader is not None and int(session) == leader
        if ours or mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return Process(pid, int(parent))
    except (OSError, ValueError):
        return None  # it has just ended, or belongs to somebody else
    return None


def kill(run_id: str, leader: int, what: Kill) -> None:
    """Do *what* to everything of the run but its supervisor *leader*."""
    if what is Kill.TERM:
        _signal(run_id, leader, {leader}, signal.SIGTERM, signal.SIGCONT)
        return
    # Processes fork while we look, hence more than one round.
    for _ in range(_ROUNDS):
        spared = {leader}
        if what is Kill.SPARE_SHELL:
            spared |= {one.pid for one in of_run(run_id, leader) if one.parent == leader}
        if not _signal(run_id, leader, spared, signal.SIGKILL):
            return


def kill_all(run_id: str, leader: int | None = None) -> None:
    """Kill everything of the run, its supervisor too."""
    if leader is not None:
        with suppress(OSError):
            os.killpg(leader, signal.SIGKILL)
    for _ in range(_ROUNDS):
        if not _signal(run_id, leader, set(), signal.SIGKILL):
            return


def _signal(run_id: str, leader: int | None, spared: set[int], *signals: signal.Signals) -> int:
    """Send *signals* to the run's processes; return how many got them."""
    found = [one.pid for one in of_run(run_id, leader) if one.pid not in spared]
    for pid in found:
        with suppress(OSError):
            for number in signals:
                os.kill(pid, number)
    return len(found)
