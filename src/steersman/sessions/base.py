"""The contract of a session: one shell in a box, driven from outside, over any transport.

A *transport* moves bytes and control words; it decides nothing. `session.Session` (one class for
all transports) decides: deadlines, killing, what an ending means. The shell side is one POSIX
script, `session.sh`, for all transports and all shells.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol


class Output(NamedTuple):
    """Bytes the box printed, stdout and stderr joined in the order they were written."""

    data: bytes


class Said(NamedTuple):
    """A control line of session.sh, already split into words; distrusted until checked."""

    words: tuple[str, ...]


class Gone(NamedTuple):
    """The box has ended; nothing will follow."""


Message = Output | Said | Gone


class Kill(StrEnum):
    """What the far side can be asked to do to everything in the box but its pid 1."""

    TERM = "term"
    """TERM to all."""
    SPARE_SHELL = "spare-shell"
    """KILL to all but the session's shell, so that it can still hand on its exports."""
    ALL = "all"
    """KILL to all."""
    END = "end"
    """KILL to all, pid 1 as well: the box ends."""


class Transport(Protocol):
    """A way to talk to session.sh in one box."""

    async def send(self, data: bytes) -> None:
        """Write *data* to the shell's command pipe; a box that is gone is not an error here."""

    async def receive(self) -> Message:
        """Return the next message; after `Gone` always `Gone`. Safe to cancel: nothing is lost."""

    async def kill(self, what: Kill) -> None:
        """Ask for a kill; says nothing about whether it happened."""

    async def close(self) -> None:
        """Let go. The box may live on."""


class End(StrEnum):
    """How a piece of script ended."""

    RETURNED = "returned"
    """It came to its end; *status* is that of its last command."""
    EXITED = "exited"
    """It called `exit` (or `set -e` did); the shell was renewed with its exports."""
    SHELL_LOST = "shell-lost"
    """The shell ended without saying so; *signal* names why where it is known."""
    TIMED_OUT = "timed-out"
    SILENT = "silent"
    """No output for longer than allowed."""
    CANCELLED = "cancelled"
    BOX_GONE = "box-gone"


class Ending(NamedTuple):
    """How a piece of script ended: *status* only for RETURNED and EXITED, else None.

    *oom_kills* is how often the kernel killed for memory in this box meanwhile.
    """

    end: End
    status: int | None = None
    signal: str | None = None
    oom_kills: int = 0

    @property
    def passed(self) -> bool:
        return self.end in (End.RETURNED, End.EXITED) and self.status == 0
