"""The contract of a terminal: a person at a shell of their own in a box that runs already.

It stands beside the session and shares nothing with it but the box: no step runs in it, nothing
of what it prints reaches a log, and nothing in it is masked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, runtime_checkable

TERM = "xterm"
"""What a shell in a box takes its terminal for: every image that knows any knows this one."""
# Its number comes first, where whoever opens the terminal reads it, and the rest is the shell's.
_START = """\
shell=/bin/sh
[ ! -x /bin/bash ] || shell=/bin/bash
echo "$$"
exec "$shell" -c "$1" "$shell"
"""


class Size(NamedTuple):
    """The size of a terminal, in characters."""

    columns: int = 80
    rows: int = 24


class Terminal(Protocol):
    """A shell that runs on a terminal of its own."""

    async def read(self) -> bytes:
        """Return what was printed next, b"" once the shell has ended. Safe to cancel."""

    async def write(self, data: bytes) -> None:
        """Type *data*; a shell that has ended is not an error here."""

    async def resize(self, size: Size) -> None:
        """Tell the shell how large the terminal is now."""

    async def close(self) -> None:
        """Hang up: the shell and what runs in its foreground end."""


Open = Callable[[Size], Awaitable[Terminal]]
"""Opens a terminal."""
Attend = Callable[[Open], Awaitable[None]]
"""Lets people into a terminal, and returns when they have left it."""


@runtime_checkable
class Shelled(Protocol):
    """A box in which a terminal can be opened; a door need not have such boxes."""

    async def terminal(self, prepare: str, size: Size) -> Terminal:
        """Start a shell as the user of the steps: bash where there is one, else sh.

        *prepare* is shell text that runs in it first. Raises `Refused` where no shell starts.
        """


def command(prepare: str) -> list[str]:
    """Return the command of a terminal's shell: it prints its process id, then runs *prepare*."""
    return ["/bin/sh", "-c", _START, "steersman", f'{prepare}\nexec "$0"']
