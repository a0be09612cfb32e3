"""Who this process is, and which others live: what the owner of a container is told apart by."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from steersman.core.leftovers import Owner

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def host() -> str:
    """Name this boot of this machine; a container counts its processes by itself, so it differs."""
    try:
        boot = _BOOT_ID.read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return os.uname().nodename or sys.platform
    return f"{boot}-{namespace}"


def started(pid: int) -> str | None:
    """Return when a process began, in a form only good for comparing; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None if Path("/proc/self").exists() or not _exists(pid) else ""
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else fields[18].decode()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@cache
def _started_once(pid: int) -> str:
    return started(pid) or ""


def current() -> Owner:
    """Return the owner of what this process makes."""
    return Owner(host(), os.getpid(), _started_once(os.getpid()))
