"""What a launcher is to the program.

A run's name follows from its instant, so a launch that is repeated finds what is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, Protocol

from steersman.core.errors import Refused
from steersman.core.schedules.fires import Fire, Key, Outcome


class Impossible(Refused):
    """What is to be launched can never be launched as it is written."""


class What(StrEnum):
    """What a schedule launches, and with it by whom: a Job of a cluster, a command here."""

    JOB = "job"
    COMMAND = "command"


class Work(NamedTuple):
    """What a schedule launches: *base* is what names begin with, *body* what the launcher knows."""

    schedule: str
    base: str
    body: Mapping[str, Any]
    what: What = What.JOB


class Run(NamedTuple):
    """A run as it is seen. *sick*: its node is; *terminating* is since when it is being ended."""

    name: str
    uid: str
    key: Key
    attempt: int = 1
    outcome: Outcome = Outcome.RUNNING
    ended: float | None = None
    message: str = ""
    sick: bool = False
    terminating: float | None = None


class Launcher(Protocol):
    """Starts runs, ends them, and knows how they go."""

    def name(self, work: Work, fire: Fire) -> str:
        """Return the name of the run of this attempt at this instant: always the same."""

    async def launch(self, work: Work, fire: Fire) -> str:
        """Start the run of *fire*, which names it, and return its uid.

        One that is there already is a success if it is of this very attempt. `Impossible` says
        that trying again will not help, `Unavailable` that it may.
        """

    async def find(self, name: str) -> Run | None:
        """Return the run called *name* if there is one."""

    async def stop(self, name: str) -> None:
        """End a run; nobody waits until it is gone, and one that is gone is a success."""

    def runs(self) -> Mapping[str, Run]:
        """Return what is known of runs, by their names."""

    async def watch(self, changed: Callable[[Run], None]) -> NoReturn:
        """Follow the runs for ever, calling *changed* with each new state."""

    async def tidy(self, needed: Collection[str]) -> None:
        """Remove what is kept here of runs that ended long ago; never of those that are *needed*.

        Where a reaper of its own does that, nothing happens.
        """

    async def close(self) -> None:
        """Let go of what it holds; runs go on."""


def digest_name(base: str, digest: str, longest: int = 63) -> str:
    """Return *base* with twelve digits behind it, as Cronetes' names look."""
    return f"{base[: longest - 13].rstrip('-.')}-{digest[:12]}"
