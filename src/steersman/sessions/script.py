"""The command of a box that runs `session.sh`, for either transport.

The script travels as an argument or is read from a mount: nothing has to be put in the box.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

PATH = Path(__file__).with_name("session.sh")


def shorten(text: str) -> str:
    """Leave out indentation, blank lines and lines of comment: process lists show the script."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


@cache
def text() -> str:
    """Return the script as it is sent."""
    return shorten(PATH.read_text(encoding="utf-8"))


def command(shell: tuple[str, ...] | None, *, token: str, alone: bool = True) -> list[str]:
    """Return the command of a box that is driven through its standard streams.

    *shell* is the command given for the steps (None: bash where there is one, else sh). *alone*
    says that the box has process ids of its own, so that "all" may be killed in it. Give it real
    pipes: a socket as standard input cannot be opened again by a step that closed descriptors.
    """
    return _argv(text(), "attach", token, alone=alone, shell=shell)


def fifo_command(
    shell: tuple[str, ...] | None, *, script: str, directory: str, alone: bool = True
) -> list[str]:
    """Return the command of a box that is driven through pipes in *directory*.

    *script* is where `session.sh` stands in the box; both may be mounted read-only.
    """
    return _argv(f". {shlex.quote(script)}", "fifo", directory, alone=alone, shell=shell)


def _argv(
    script: str, mode: str, place: str, *, alone: bool, shell: tuple[str, ...] | None
) -> list[str]:
    words = shlex.join(shell) if shell else ""
    flag = "1" if alone else "0"
    return ["/bin/sh", "-c", 'eval "$1"', "steersman", script, "box", mode, place, flag, words]
