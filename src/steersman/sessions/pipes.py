"""The pipes of a session in a folder: what they are called, and how they are made.

This is all a program needs that only prepares a session, and it imports nothing else.
"""

import os

NAMES = ("control", "commands", "output", "kill")


def make(directory: str, *, mode: int = 0o666) -> None:
    """Make the pipes in *directory*; the box's user must be able to open them, hence *mode*."""
    for name in NAMES:
        path = f"{directory}/{name}"
        os.mkfifo(path)
        os.chmod(path, mode)
