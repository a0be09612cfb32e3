"""What must be there before a box is started: its session's pipes and script, its folders."""

from __future__ import annotations

import os

from steersman import sessions
from steersman.containers.pod import places
from steersman.sessions import pipes


def make(session: str, work: str) -> None:
    """Make it in the volumes *session* and *work*, anew where some of it was left."""
    for name in (*pipes.NAMES, places.SCRIPT):
        if os.path.lexists(f"{session}/{name}"):
            os.unlink(f"{session}/{name}")
    pipes.make(session)
    with open(f"{os.path.dirname(sessions.__file__)}/{places.SCRIPT}", "rb") as file:
        script = file.read()
    with open(f"{session}/{places.SCRIPT}", "wb") as file:
        file.write(script)
    os.chmod(f"{session}/{places.SCRIPT}", 0o644)
    for name in places.OWN:
        folder = f"{work}/{name}"
        os.makedirs(folder, exist_ok=True)
        # With set-gid what a box makes in it belongs to the group of the runner.
        os.chmod(folder, 0o2775)  # noqa: S103 - nobody else is in the pod
