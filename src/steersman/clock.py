"""The only reader of time and maker of chance on the platform's side; decisions are given both."""

from __future__ import annotations

import os
import time
from typing import Protocol

from steersman.core import ids


class Clock(Protocol):
    """Tells the time in seconds since the epoch, and makes ids that sort by it."""

    def now(self) -> float: ...

    def new_id(self) -> str: ...

    def randomness(self, size: int) -> bytes: ...


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        return time.time()

    def new_id(self) -> str:
        return ids.make(int(time.time() * 1000), os.urandom(10))

    def randomness(self, size: int) -> bytes:
        return os.urandom(size)


class SetClock(SystemClock):
    """A clock that shows what it is set to: for tests, and for what asks "what if"."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def new_id(self) -> str:
        return ids.make(int(self.time * 1000), os.urandom(10))
