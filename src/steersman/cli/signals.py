"""Ctrl-C and SIGTERM: the first asks a run to end in order, the second forces it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from steersman.core.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """Runs one coroutine and turns signals into `cancelled`, then into cancellation.

    First signal: `cancelled` is set; the step ends, after-steps run, everything is removed.
    Second: what runs is cancelled; only removing still happens. Third: even that is left.
    """

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self._seen = 0
        self._task: asyncio.Task[int] | None = None
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Stopping:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, int]) -> int:
        """Run *work* to its end; `Interrupted` when it was forced to end."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            return runner.run(self._watched(work))

    async def _watched(self, work: Coroutine[Any, Any, int]) -> int:
        loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(work)
        # What is ignored stays so: `nohup steer build &` outlives its terminal.
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self._signalled)
        try:
            return await self._task
        except asyncio.CancelledError:
            raise Interrupted("forced to end") from None
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        self._seen += 1
        if self._seen == 1:
            self._say("stopping; after-steps and clean-up follow (once more to force)")
            self.cancelled.set()
        elif self._task is not None:
            self._say(
                "forced: only removing what was made" if self._seen == 2 else "leaving at once"
            )
            self._task.cancel()

    @staticmethod
    def _say(text: str) -> None:
        sys.stderr.write(f"\nsteer: {text}\n")
        sys.stderr.flush()
