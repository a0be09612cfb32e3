"""A session with all it printed, driven one request at a time: by a test, or by `runner.py`.

Only the standard library and steersman: it also runs in the runner's container.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from steersman.core.errors import SteersmanError
from steersman.sessions.base import End, Ending, Kill, Transport
from steersman.sessions.session import Session

KEPT = 1_000_000


class Driven:
    """Answers requests as `{"do": "run", "script": ...}`; what bytes there are is in base64."""

    def __init__(self, transport: Transport, grace: float) -> None:
        self.transport = transport
        self.session = Session(transport, self._hear, grace=grace)
        self._output = bytearray()
        self._size = 0
        self._hash = hashlib.sha256()
        self._cancel: tuple[bytes, asyncio.Event] | None = None

    async def _hear(self, data: bytes) -> None:
        self._size += len(data)
        self._hash.update(data)
        if len(self._output) < KEPT:
            self._output += data
        if self._cancel is not None and self._cancel[0] in self._output:
            self._cancel[1].set()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        what = request.pop("do")
        try:
            return await getattr(self, "_" + what)(**request)  # type: ignore[no-any-return]
        except SteersmanError as error:
            return {"error": type(error).__name__, "words": str(error), "hint": error.hint}

    async def _open(self, prelude: str = "", seconds: float = 20) -> dict[str, Any]:
        await self.session.open(prelude, seconds)
        return {"shell": self.session.shell}

    async def _run(
        self, script: str, cancel_on: str | None = None, **limits: float
    ) -> dict[str, Any]:
        self._output.clear()
        self._size, self._hash = 0, hashlib.sha256()
        event = asyncio.Event()
        self._cancel = (cancel_on.encode(), event) if cancel_on else None
        ending = await self.session.run(script, cancel=event, **limits)
        return {
            "ending": [ending.end, ending.status, ending.signal, ending.oom_kills],
            "output": base64.b64encode(self._output).decode(),
            "size": self._size,
            "sha256": self._hash.hexdigest(),
        }

    async def _ask(self, script: str) -> dict[str, Any]:
        return {"answer": base64.b64encode(await self.session.ask(script)).decode()}

    async def _renew(self) -> dict[str, Any]:
        return {"renewed": await self.session.renew()}

    async def _kill(self, how: str) -> dict[str, Any]:
        await self.transport.kill(Kill(how))
        return {}

    async def _close(self) -> dict[str, Any]:
        await self.session.close()
        return {}


def ending_of(answer: dict[str, Any]) -> Ending:
    end, status, signal, oom_kills = answer["ending"]
    return Ending(end=End(end), status=status, signal=signal, oom_kills=oom_kills)
