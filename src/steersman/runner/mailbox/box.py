"""What lies in a mailbox: all of it in a folder, so that the next process on it goes on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from steersman.wire import Acknowledged, JobSpec, Note, Record, StepState

PIECE = 1024 * 1024


class Kept(NamedTuple):
    """An archive that the runner left: its `output`, a `report` by name, or the `cache`."""

    kind: str
    name: str


class Box:
    """Everything that goes between a runner and a laptop. *now* are any seconds."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.now = now
        self.job: JobSpec | None = None
        """Only in memory: it holds secrets."""
        self.taken = False
        self.heard = now()
        """When the laptop last said anything."""
        self.version = 0
        self.steps: dict[int, StepState] = {}
        self.record: Record | None = None
        self.kept: list[Kept] = []
        self.cancel: str | None = None
        self.notes: list[Note] = []
        self._changed = asyncio.Condition()
        self._take_up()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._log = os.open(folder / "log", flags, 0o600)
        self.log_size = os.fstat(self._log).st_size

    def _take_up(self) -> None:
        path = self.folder / "state.json"
        if path.exists():
            state = json.loads(path.read_text())
            self.version, self.record, self.cancel = (
                state[key] for key in ("version", "record", "cancel")
            )
            self.steps = {each["number"]: each for each in state["steps"]}
            self.kept = [Kept(*each) for each in state["kept"]]
            self.notes = state["notes"]

    async def change(self, **state: Any) -> None:
        """Note what is new, and wake whoever waits for it."""
        for key, value in state.items():
            setattr(self, key, value)
        self.version += 1
        whole = {
            key: getattr(self, key) for key in ("version", "record", "cancel", "notes", "kept")
        }
        fresh = self.folder / "state.json.new"
        fresh.write_text(json.dumps({**whole, "steps": list(self.steps.values())}))
        fresh.replace(self.folder / "state.json")
        await self.wake()

    async def wake(self) -> None:
        """Wake whoever waits."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, there: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is *there*, at most so long; tell whether it is."""
        try:
            async with asyncio.timeout(min(max(seconds, 0.0), 25.0)):
                async with self._changed:
                    await self._changed.wait_for(there)
        except TimeoutError:
            return there()
        return True

    async def append(self, offset: int, data: bytes) -> Acknowledged | None:
        """Keep a piece of the log; None where something before it is missing."""
        if offset > self.log_size:
            return None
        rest = memoryview(data)[self.log_size - offset :]
        if rest:
            while rest:
                written = os.write(self._log, rest)
                self.log_size += written
                rest = rest[written:]
            await self.wake()
        return {"size": self.log_size}

    def read_log(self, offset: int) -> bytes:
        """Return what follows *offset* in the log, a piece of it."""
        return os.pread(self._log, PIECE, offset)

    def place(self, kept: Kept) -> Path:
        """Return where an archive is."""
        return self.folder / f"kept-{self.kept.index(kept)}.tar"

    def came(self, name: str) -> Path:
        """Return where what the laptop sent is: `source` or `cache`."""
        return self.folder / f"{name}.tar"

    async def keep(self, kept: Kept, body: AsyncIterator[bytes]) -> int:
        """Keep an archive of the runner's."""
        if kept not in self.kept:
            self.kept.append(kept)
        size = await store(self.place(kept), body)
        await self.change()
        return size

    def drop(self, names: Iterable[str] = ("source", "cache")) -> None:
        """Remove what the laptop sent, once the runner has it."""
        for name in names:
            self.came(name).unlink(missing_ok=True)


async def store(path: Path, body: AsyncIterator[bytes]) -> int:
    """Keep *body* as *path*, which is whole or not there."""
    fresh = path.with_name(f"{path.name}.new")
    size = 0
    with fresh.open("wb") as file:
        async for piece in body:
            await asyncio.to_thread(file.write, piece)
            size += len(piece)
    fresh.replace(path)
    return size


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """Read a file piece by piece."""
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
