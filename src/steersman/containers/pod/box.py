"""The box beside us in the pod: two volumes, four pipes, and nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from steersman import trees
from steersman.containers.base import BoxSpec, Upload
from steersman.containers.pod import filling, places, texts, waiting
from steersman.containers.pod.notes import Notes
from steersman.containers.pod.waiting import Limits
from steersman.core.errors import Refused
from steersman.sessions import fifo
from steersman.sessions.base import Kill
from steersman.sessions.fifo import FifoTransport
from steersman.trees import Collected
from steersman.trees import Limits as SizeLimits

MAY_STAY = 16 * 1024 * 1024
"""Bytes that may stand twice, in the volume they were given in as well."""


class Volumes(NamedTuple):
    """Where the volumes are that we share with the box: which of them who may write differs."""

    session: Path = Path(places.SESSION)
    work: Path = Path(places.WORK)
    given: Path = Path(places.GIVEN)


class PodBox:
    """A box that copies what it begins with from one volume, which it reads, to its own."""

    def __init__(self, spec: BoxSpec, volumes: Volumes, notes: Notes, limits: Limits) -> None:
        self._spec = spec
        self._volumes = volumes
        self._notes = notes
        self._limits = limits
        self._given: dict[str, list[str]] = {}
        self._size = 0
        self._held: int | None = None
        self._emptying: asyncio.Future[None] | None = None

    async def put(self, uploads: Sequence[Upload]) -> None:
        """Put it where the box, which may still be starting, will look for it."""
        self._size = sum(entry.size for upload in uploads for entry in upload.entries)
        self._given = await asyncio.to_thread(filling.fill, uploads, self._volumes.given)

    def spelled(self, uploads: Sequence[Upload]) -> None:
        """Have nothing written out: a box copies faster than its shell writes."""

    @property
    def environment(self) -> str:
        return texts.environment(self._spec.env)

    def taking(self, uploads: Sequence[Upload]) -> str:
        elsewhere = [each.target for each in uploads if places.is_elsewhere(each.target)]
        return texts.opening(self._given, elsewhere)

    def taken(self) -> None:
        """Make room: what was given stands twice as long as this is not done.

        Little may stay: a thread beside the steps would slow down both.
        """
        if self._size <= MAY_STAY:
            return
        emptying = asyncio.to_thread(filling.empty, self._volumes.given)
        self._emptying = asyncio.ensure_future(emptying)

    async def start(self) -> FifoTransport:
        transport = FifoTransport(self._volumes.session)
        try:
            # Held before a step could have moved anything.
            self._held = os.open(self._volumes.work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            await waiting.begun(transport.begun(), self._notes, self._limits)
        except OSError as error:
            await transport.close()
            what = f"the volume {self._volumes.work} cannot be read: {error.strerror}"
            raise Refused(what) from error
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
        """Let the box end: nobody waits for what it does from here on, nor for its end."""
        if self._emptying is not None:
            await self._emptying
        if self._held is None:
            return
        os.close(self._held)
        self._held = None
        dismiss(self._volumes.session)


def dismiss(session: Path) -> None:
    """Let the box end, since nobody will speak to it any more: then the pod takes no room."""
    fifo.tell(session, Kill.END)
