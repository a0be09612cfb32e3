"""Where the folders of a box stand on the volume that it shares with the runner."""

from __future__ import annotations

import posixpath
from pathlib import Path

from steersman.containers.pod.texts import ELSEWHERE

SESSION = Path("/steersman/session")
WORK = Path("/steersman/work")
SCRIPT = "session.sh"
OWN = ("pipeline", "report")
"""The folders of the volume that the box sees, as /pipeline and /report."""


def on_volume(path: str) -> str:
    """Return where *path* of the box stands on the volume, relative to its top."""
    clean = posixpath.normpath(path)
    if clean.lstrip("/").partition("/")[0] in OWN:
        return clean.lstrip("/")
    return f"{ELSEWHERE}{clean}".lstrip("/")


def is_elsewhere(path: str) -> bool:
    """Tell whether *path* of the box lies outside of what it shares with us."""
    return on_volume(path).startswith(ELSEWHERE.lstrip("/"))
