"""The contract of a door that makes images: out of a box, a Dockerfile or an archive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from steersman.containers.base import Login
from steersman.core.image_archives import Platform
from steersman.core.image_builds import Build
from steersman.core.image_changes import Commit
from steersman.core.references import Reference

Say = Callable[[str], None]


class Images(Protocol):
    """The images of one run. Errors are `Refused` in the engine's or the registry's words."""

    async def commit(self, wanted: Commit) -> str:
        """Make an image of the run's box, as it is now, and return its id.

        The image runs what the box's own image ran, not our session.
        """

    async def exists(self, name: str) -> bool:
        """Tell whether an image is there."""

    async def tag(self, image: str, name: Reference) -> None:
        """Give an image one more name."""

    async def remove(self, name: str) -> None:
        """Take a name away, and the image with its last one; one that is gone is no error."""

    async def push(self, name: Reference, login: Login | None, tell: Say, *, as_user: bool) -> str:
        """Push the image *name* and return its digest; *tell* hears of the progress.

        Without *login*, and *as_user*, what the user's docker command would say is used.
        """

    async def build(
        self, wanted: Build, context: Iterable[bytes], output: Callable[[bytes], None]
    ) -> None:
        """Build an image from the archive *context*; the run's end takes its name away."""

    async def load(self, archive: Iterable[bytes]) -> None:
        """Take in the archive of an image."""

    def save(self, name: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open the archive of an image."""

    async def platform(self) -> Platform:
        """Return for which machines images are that are made here."""

    async def kill(self, alias: str) -> str:
        """Kill and remove a container that was started beside the box; return what it printed."""


@runtime_checkable
class Imaging(Protocol):
    """A door that makes images (`Capability.COMMIT`)."""

    def images(self, run_id: str) -> Images:
        """Return the images of a run."""
