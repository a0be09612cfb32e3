"""Hears from the kernel when shims end, whoever started them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from functools import partial

from steersman.cron.processes.records import Process

MOST = 400
"""So many descriptors are spent on that; a process has often no more than 1,024."""


class Ends:
    """Calls *ended* with the name of a run whose shim is gone."""

    def __init__(self, ended: Callable[[str], None]) -> None:
        self._ended = ended
        self._handles: dict[str, int] = {}

    def follow(self, name: str, process: Process) -> None:
        """Listen for the end of a run's shim, where the kernel tells of it."""
        full = len(self._handles) >= MOST
        if name in self._handles or full or not hasattr(os, "pidfd_open"):
            return
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:
            return
        if not process.alive():
            # Another process by now, or one that we cannot see: it is looked at now and then.
            os.close(handle)
            return
        self._handles[name] = handle
        asyncio.get_running_loop().add_reader(handle, partial(self._over, name))

    def untold(self, names: Iterable[str]) -> list[str]:
        """Return those whose ends nobody would tell."""
        return [name for name in names if name not in self._handles]

    def _over(self, name: str) -> None:
        handle = self._handles.pop(name)
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        self._ended(name)

    def close(self) -> None:
        """Listen no more."""
        for handle in self._handles.values():
            asyncio.get_running_loop().remove_reader(handle)
            os.close(handle)
        self._handles.clear()
