"""The contract of the `cluster` door: where runners run.

A runner belongs to one attempt, is found by the attempt's id, and outlives whoever made it. The
cluster says what is there, not what the worker did: after a crash `runners()` is all there is.
Errors are `Unavailable` (try again), `Refused` or `UserError` (it will not).
"""

from __future__ import annotations

from typing import Protocol

from steersman.cluster.specs import NO_SETTINGS as NO_SETTINGS
from steersman.cluster.specs import RunnerSpec as RunnerSpec
from steersman.core.errors import Unavailable
from steersman.core.runners import Seen as Seen
from steersman.core.runners import State as State


class NoRoom(Unavailable):
    """There is no room for another runner just now; the attempt is better off elsewhere."""


class Cluster(Protocol):
    """A place for runners."""

    @property
    def name(self) -> str:
        """Name the kind of cluster, for messages."""

    def capabilities(self) -> frozenset[str]:
        """Return what jobs can ask for here: `docker`, `arch:arm64`."""

    async def create(self, spec: RunnerSpec) -> None:
        """Make a runner, unless this attempt ever had one here."""

    async def runners(self) -> list[Seen]:
        """Return every runner that was not deleted, whoever made it."""

    async def look(self, attempt: str) -> None:
        """Let `runners` say the latest of a runner, where it might lag behind."""

    async def stop(self, attempt: str) -> None:
        """Ask a runner to end (SIGTERM: it cancels its job); nothing where none runs."""

    async def kill(self, attempt: str) -> None:
        """End a runner at once; nothing where none runs."""

    async def delete(self, attempt: str) -> None:
        """Remove what an ended runner left; `Conflict` for one that has not ended."""

    async def room(self) -> int | None:
        """Say how many more runners could begin just now; None where only slots bound them."""

    async def changed(self, within: float) -> None:
        """Wait until some runner may have changed, at most *within* seconds."""

    async def close(self) -> None:
        """Let go of the cluster; its runners go on."""
