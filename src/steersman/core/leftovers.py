"""Which things that runs left behind belong to nobody any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Protocol

KEPT = "kept"
"""The owner of what is to stay when its maker is gone, until somebody asks for its removal."""


class Owner(NamedTuple):
    """The process that made something.

    *host* names one boot of one machine, and the process ids in it that *pid* is one of;
    *started* tells the process from a later one of the same number.
    """

    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"


class Owned(Protocol):
    """Something that a run made."""

    @property
    def run_id(self) -> str: ...
    @property
    def owner(self) -> str: ...


def read(text: str) -> Owner | None:
    """Read an owner as it stands on a label; None when nobody of ours wrote it."""
    host, _, rest = text.partition(":")
    pid, colon, started = rest.partition(":")
    if not (host and colon and pid.isascii() and pid.isdigit()):
        return None
    return Owner(host, int(pid), started)


def dead_runs(
    seen: Iterable[Owned],
    *,
    host: str,
    started: Callable[[int], str | None],
    kept: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the runs to remove: all owners are known to be dead. *kept* are runs
    left standing on purpose that are to go too.

    *started* returns when the process of that number on *host* began, None when there is none. Of
    owners elsewhere nothing can be known, and what they made is left alone.
    """
    alive: dict[str, bool] = {}
    for item in seen:
        owner = read(item.owner)
        dead = item.owner == KEPT and item.run_id in kept
        if owner is not None and owner.host == host:
            dead = started(owner.pid) != owner.started
        alive[item.run_id] = alive.get(item.run_id, False) or not dead
    return tuple(run_id for run_id, lives in alive.items() if not lives)
