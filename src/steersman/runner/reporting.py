"""Tells the server how it goes: one task sends log and steps, another says that we live."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from steersman.client import Client, patience, patiently
from steersman.core import intervals
from steersman.core.errors import Conflict, Forbidden, NotFound, SteersmanError, Unknown

if TYPE_CHECKING:
    from steersman import wire
    from steersman.runner.audience import Audience
    from steersman.runner.spool import Spool

PAUSE = 0.1
"""Seconds between two pieces of a log: what comes meanwhile goes together."""
FIRST_BEAT = 1.0
"""Seconds until the first heartbeat where we have our orders: many a job is over by then."""
MOST_STEPS = 100
"""The most steps that go with the completion record."""
GIVE_UP = 24 * 3600.0
"""Seconds after which a runner whose server stays away leaves."""
log = logging.getLogger("steersman.runner")


class Ending(NamedTuple):
    """How the attempt ended, as the record says it."""

    state: str
    reason: str = ""
    message: str = ""


class Fenced(Exception):
    """The attempt is not ours any more: stop, and say nothing."""


class Reporter:
    """Speaks for one runner. *stop* is called once when somebody wants the attempt to end.

    *hear*, where it is set, gets what a worker sees of our pod. *reached* is when we
    last said something that the server has answered, by the monotonic clock.
    """

    def __init__(
        self,
        client: Client,
        runner: str,
        clock: Callable[[], float],
        stop: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.client = client
        self.runner = runner
        self.clock = clock
        self.hear: Callable[[list[wire.Note]], None] | None = None
        self.reached = time.monotonic()
        self.fenced = asyncio.Event()
        self.stop = stop
        self._woken = asyncio.Event()
        self._ending = False
        self._finishing = asyncio.Event()
        self._said_stop = False
        self._orders: wire.Orders | None = None

    def wake(self) -> None:
        """Send soon: there is something new."""
        self._woken.set()

    async def call(self, method: str, path: str, body: Any) -> Any:
        """Ask until the server answers; `Fenced` when the attempt is not ours any more."""
        try:
            return await patiently(
                lambda: self._asked(method, path, body),
                pause=patience(),
                give_up_after=GIVE_UP,
            )
        except (Unknown, Forbidden, NotFound) as error:
            raise self._fence(error) from error
        except Conflict as error:
            if error.hint == "stop":
                raise self._fence(error) from error
            raise

    async def _asked(self, method: str, path: str, body: Any) -> Any:
        began = time.monotonic()
        answer = await self.client.call(method, path, body)
        self.reached = began
        return answer

    def _fence(self, error: SteersmanError) -> Fenced:
        log.warning("fenced: %s", error)
        self.fenced.set()
        return Fenced(str(error))

    async def started(self, where: str, node: str = "") -> wire.JobSpec:
        """Say that we are up, as a pod on *node*, and hear what is to be done."""
        said: wire.RunnerStarted = {"runner": self.runner, "where": where}
        if node:
            said["node"] = node
        spec: wire.JobSpec = await self.call("POST", "/runner/v1/started", said)
        self._orders = spec.get("orders")
        return spec

    async def beat(self) -> None:
        """Say that we live, over and over, and hear of a cancellation at once."""
        said: wire.Heartbeat = {"runner": self.runner, "wait": intervals.HEARTBEAT_SECONDS}
        if self.hear is not None:
            said["notes"] = []
        if self._orders is not None:
            self._obey(self._orders, said)
            await asyncio.sleep(FIRST_BEAT)
        while True:
            try:
                orders: wire.Orders = await self.call("POST", "/runner/v1/heartbeat", said)
            except Fenced:
                return
            self._obey(orders, said)
            if orders["cancel"] is not None:
                await asyncio.sleep(intervals.HEARTBEAT_SECONDS)

    def _obey(self, orders: wire.Orders, said: wire.Heartbeat) -> None:
        """Do what the server says, and let what is *said* next tell that we know it."""
        if self.hear is not None and "notes" in orders:
            said["notes"] = orders["notes"]
            self.hear(orders["notes"])
        if orders["cancel"] is not None and not self._said_stop:
            self._said_stop = True
            self.stop(orders["cancel"])

    async def unheard(self, seconds: float) -> None:
        """Wait until the server has not answered for *seconds*: by then we count as lost."""
        left = seconds
        while left > 0:
            await asyncio.sleep(left)
            left = self.reached + seconds - time.monotonic()
        log.warning("unheard: for %g seconds", seconds)
        self.fenced.set()

    async def send(self, spool: Spool, audience: Audience) -> None:
        """Send log and steps as they come, until `finish` and all is acknowledged.

        Little that is left goes with the record.
        """
        while True:
            ending = self._ending
            self._woken.clear()
            if ending and self._is_little(spool, audience):
                return
            await self._send_steps(audience)
            while not spool.complete:
                await self._send_log(spool)
            if ending and not audience.changed:
                return
            if not self._ending:
                await self._woken.wait()
                # The first piece went at once; what follows shortly goes together.
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await self._finishing.wait()

    def _is_little(self, spool: Spool, audience: Audience) -> bool:
        """Tell whether what is left may go with the record: who told us our orders takes it."""
        left = spool.size - spool.sent
        return (
            self._orders is not None
            and left <= intervals.LAST_PIECE
            and len(audience.changed) <= MOST_STEPS
        )

    async def _send_steps(self, audience: Audience) -> None:
        if changed := audience.take_changed():
            body: wire.Steps = {"runner": self.runner, "steps": changed}
            await self.call("POST", "/runner/v1/steps", body)

    async def _send_log(self, spool: Spool) -> None:
        data = spool.unsent(intervals.PIECE)
        try:
            answer = await self._put(spool.sent, data)
        except Conflict as error:
            if error.hint == "stop":
                raise self._fence(error) from error
            # The server has less, or more, than we believe: it says how much.
            answer = await self._put(0, b"")
        spool.acknowledged(answer["size"])

    async def _put(self, offset: int, data: bytes) -> wire.Acknowledged:
        path = f"/runner/v1/log?offset={offset}&at={self.clock():.3f}"
        try:
            answer: wire.Acknowledged = await patiently(
                lambda: self._sent(path, data), pause=patience(), give_up_after=GIVE_UP
            )
        except (Unknown, Forbidden, NotFound) as error:
            raise self._fence(error) from error
        return answer

    async def _sent(self, path: str, data: bytes) -> Any:
        began = time.monotonic()
        answer = await self.client.send("PUT", path, data, timeout=60.0)
        self.reached = began
        return json.loads(answer.body)

    def finish(self) -> None:
        """Let `send` end when everything there is has been acknowledged."""
        self._ending = True
        self._finishing.set()
        self._woken.set()

    async def record(self, ending: Ending, spool: Spool, audience: Audience) -> None:
        """Send the completion record with all that is left, until it is acknowledged."""
        said: wire.Record = {
            "runner": self.runner,
            "state": ending.state,
            "log_size": spool.size,
            "message": ending.message,
        }
        if ending.reason:
            said["reason"] = ending.reason
        if steps := audience.take_changed():
            said["steps"] = steps
        if not spool.complete:
            said["log"] = self._last_piece(spool)
        try:
            await self.call("POST", "/runner/v1/record", said)
        except Conflict:
            if self._orders is None:
                raise
            # The server has less of the log than it said: it will say how much.
            self._orders = None
            audience.changed.update({each["number"]: each for each in steps})
            await self.send(spool, audience)
            await self.record(ending, spool, audience)

    def _last_piece(self, spool: Spool) -> wire.LastPiece:
        import base64

        data = base64.b64encode(spool.unsent(intervals.LAST_PIECE)).decode()
        return {"offset": spool.sent, "at": round(self.clock(), 3), "data": data}
