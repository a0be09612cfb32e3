"""Where the folders of a box stand on the volumes that it shares with the runner."""

from __future__ import annotations

import posixpath

SESSION = "/steersman/session"
WORK = "/steersman/work"
GIVEN = "/steersman/given"
"""What the box begins with: only the runner may write there, and the box reads it."""
SCRIPT = "session.sh"
OWN = ("pipeline", "report")
"""The folders of its volume that the box sees, as /pipeline and /report."""
ELSEWHERE = "/pipeline/.elsewhere"
"""Below it stands, on the volume, what is to stand elsewhere in the box."""


def on_volume(path: str) -> str:
    """Return where *path* of the box stands on the volume, relative to its top."""
    clean = posixpath.normpath(path)
    if clean.lstrip("/").partition("/")[0] in OWN:
        return clean.lstrip("/")
    return f"{ELSEWHERE}{clean}".lstrip("/")


def is_elsewhere(path: str) -> bool:
    """Tell whether *path* of the box lies outside of what it shares with us."""
    return on_volume(path).startswith(ELSEWHERE.lstrip("/"))
