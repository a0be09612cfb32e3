"""The box beside us in the pod: a volume, four pipes, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from steersman import trees
from steersman.containers.base import BoxSpec, Upload
from steersman.containers.pod import places, texts, waiting
from steersman.containers.pod.notes import Notes
from steersman.containers.pod.waiting import Limits
from steersman.core.errors import Refused, UserError
from steersman.sessions.base import Kill
from steersman.sessions.fifo import FifoTransport
from steersman.trees import Collected
from steersman.trees import Limits as SizeLimits


class PodBox:
    """A box whose volume was filled before it began."""

    def __init__(
        self, spec: BoxSpec, session: Path, work: Path, notes: Notes, limits: Limits
    ) -> None:
        self._spec = spec
        self._session = session
        self._work = work
        self._notes = notes
        self._limits = limits
        self._held: int | None = None

    async def put(self, uploads: Sequence[Upload]) -> None:
        if any(upload.entries for upload in uploads):
            raise UserError("a box in a pod is filled before it starts")

    def spelled(self, uploads: Sequence[Upload]) -> str | None:
        """Return how the box makes its own what the volume holds for the targets of *uploads*."""
        if any(upload.entries for upload in uploads):
            return None
        elsewhere = [each.target for each in uploads if places.is_elsewhere(each.target)]
        return texts.opening(self._spec.env, elsewhere)

    async def start(self) -> FifoTransport:
        transport = FifoTransport(self._session)
        try:
            # Held before a step could have moved anything.
            self._held = os.open(self._work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            await waiting.begun(transport.begun(), self._notes, self._limits)
        except OSError as error:
            await transport.close()
            raise Refused(f"the volume {self._work} cannot be read: {error.strerror}") from error
        except BaseException:
            await transport.close()
            raise
        return transport

    def sharing(self, path: str) -> str:
        """Return shell text for the box that lets us read what is below *path*."""
        return texts.sharing(path, os.getgid())

    async def fetch(self, path: str, into: Path, limits: SizeLimits) -> Collected:
        if self._held is None:
            return Collected(missing=True)
        name = places.on_volume(path)
        return await asyncio.to_thread(trees.collect_below, self._held, name, into, limits)

    async def end(self) -> None:
        """Ask for all in the box to be killed: nobody waits for what it does from here on."""
        if self._held is None:
            return
        os.close(self._held)
        self._held = None
        # The session has let go of its pipes; who reads this one may be gone too.
        with suppress(Refused):
            transport = FifoTransport(self._session)
            await transport.kill(Kill.ALL)
            await transport.close()


async def dismiss(session: Path) -> None:
    """Let the box end, since nobody will speak to it any more: then the pod takes no room."""
    with suppress(Refused):
        transport = FifoTransport(session)
        await transport.kill(Kill.END)
        await transport.close()
