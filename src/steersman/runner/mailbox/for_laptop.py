"""The laptop's side. It shows a key of which only the digest is known here.

Every pod of the cluster may reach this port, and so may the box: nothing is answered without it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from steersman.runner.mailbox.box import Box, pieces, store
from steersman.runner.mailbox.http import BYTES, Answer, Request, problem, said

PREFIX = "/laptop/v1/"
HEADER = "x-steersman-key"
"""A header of its own: what says who asks, the API server takes for itself."""
CAME = ("source", "cache")


def digest(key: str) -> str:
    """Return what the mailbox is told of the laptop's key."""
    return hashlib.sha256(key.encode()).hexdigest()


class ForLaptop:
    """Answers the laptop whose key has *known* as its digest."""

    def __init__(self, box: Box, known: str) -> None:
        self._box = box
        self._known = known
        self._asked: dict[tuple[str, str], Callable[[Request], Awaitable[Answer]]] = {
            ("GET", "news"): self._news,
            ("GET", "kept"): self._kept,
            ("POST", "job"): self._job,
            ("POST", "source"): self._came,
            ("POST", "cache"): self._came,
            ("POST", "notes"): self._notes,
            ("POST", "cancel"): self._cancel,
            ("POST", "taken"): self._taken,
        }

    async def __call__(self, request: Request) -> Answer:
        key = request.headers.get(HEADER, "")
        if not hmac.compare_digest(digest(key), self._known):
            return problem(401, "this is not the key of the laptop")
        self._box.heard = self._box.now()
        name = request.path.removeprefix(PREFIX).partition("/")[0]
        handler = self._asked.get((request.method, name))
        if handler is None or not request.path.startswith(PREFIX):
            return problem(404, f"there is no {request.path}")
        return await handler(request)

    async def _job(self, request: Request) -> Answer:
        self._box.job = json.loads(await request.whole())
        await self._box.wake()
        return said({})

    async def _came(self, request: Request) -> Answer:
        name = request.path.removeprefix(PREFIX)
        if name not in CAME:
            return problem(404, f"there is no {request.path}")

        async def heard() -> Any:
            async for piece in request.body:
                self._box.heard = self._box.now()
                yield piece

        size = await store(self._box.came(name), heard())
        await self._box.wake()
        return said({"size": size})

    async def _notes(self, request: Request) -> Answer:
        notes = json.loads(await request.whole())["notes"]
        if notes != self._box.notes:
            await self._box.change(notes=notes)
        return said({})

    async def _cancel(self, request: Request) -> Answer:
        if self._box.cancel is None:
            await self._box.change(cancel=str(json.loads(await request.whole())["why"]))
        return said({})

    async def _news(self, request: Request) -> Answer:
        """Tell what is new since *seen*, and what follows *log* in the log."""
        box, query = self._box, request.query
        offset, seen = int(query["log"]), int(query["seen"])
        await box.until(
            lambda: box.version != seen or box.log_size > offset, float(query.get("wait", 0))
        )
        return said(
            {
                # First the steps: what they say of the log is in it, or follows.
                "seen": box.version,
                "steps": list(box.steps.values()) if box.version != seen else [],
                "log": base64.b64encode(box.read_log(offset)).decode(),
                "log_size": box.log_size,
                "record": box.record,
                "kept": box.kept,
                "job": box.job is not None,
            }
        )

    async def _kept(self, request: Request) -> Answer:
        at = int(request.path.removeprefix(f"{PREFIX}kept/"))
        if not 0 <= at < len(self._box.kept):
            return problem(404, f"there is no archive {at}")
        return Answer(body=pieces(self._box.place(self._box.kept[at])), kind=BYTES)

    async def _taken(self, request: Request) -> Answer:
        self._box.taken = True
        await self._box.wake()
        return said({})
