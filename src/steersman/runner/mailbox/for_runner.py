"""The runner's side: what of a server's runner API a single attempt needs."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from steersman.core.errors import Unavailable
from steersman.core.steps import State
from steersman.runner.mailbox.box import Box, Kept, pieces
from steersman.runner.mailbox.http import BYTES, Answer, Request, problem, said
from steersman.wire import PIECE

WAIT = 20.0
PREFIX = "/runner/v1/"


class ForRunner:
    """Answers the runner, which shows *token*."""

    def __init__(self, box: Box, token: str) -> None:
        self._box = box
        self._shown = f"Bearer {token}".encode()
        self._known: dict[tuple[str, str], Callable[[Request], Awaitable[Answer]]] = {
            ("POST", "started"): self._started,
            ("POST", "heartbeat"): self._heartbeat,
            ("PUT", "log"): self._log,
            ("POST", "steps"): self._steps,
            ("GET", "source"): self._source,
            ("GET", "cache"): self._read_cache,
            ("PUT", "cache"): self._write_cache,
            ("PUT", "artifacts"): self._artifact,
            ("PUT", "tests"): self._tests,
            ("POST", "record"): self._record,
        }

    async def __call__(self, request: Request) -> Answer:
        shown = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(shown, self._shown):
            return problem(401, "this is not the runner's token")
        name = request.path.removeprefix(PREFIX).partition("/")[0]
        handler = self._known.get((request.method, name))
        if handler is None or not request.path.startswith(PREFIX):
            # Steps that a server publishes are not found, as there is none.
            return problem(404, "a run without a server does not have this")
        return await handler(request)

    async def _started(self, request: Request) -> Answer:
        if not await self._box.until(lambda: self._box.job is not None, WAIT):
            raise Unavailable("the job has not come yet")
        return said(self._box.job)

    async def _heartbeat(self, request: Request) -> Answer:
        body = json.loads(await request.whole())
        box, known = self._box, body.get("notes")

        def pressing() -> bool:
            return box.cancel is not None or (known is not None and known != box.notes)

        await box.until(pressing, float(body.get("wait", 0.0)))
        return said({"cancel": box.cancel, "notes": box.notes})

    async def _log(self, request: Request) -> Answer:
        data = await request.whole(4 * PIECE)
        kept = await self._box.append(int(request.query["offset"]), data)
        if kept is None:
            return problem(409, "bytes are missing", size=self._box.log_size)
        return said(kept)

    async def _steps(self, request: Request) -> Answer:
        body = json.loads(await request.whole())
        news = {int(each["number"]): each for each in body["steps"]}
        await self._box.change(steps={**self._box.steps, **news})
        if any(each["state"] != State.RUNNING for each in news.values()):
            # The first of them sets everything up: then the runner has what was sent.
            self._box.drop()
        return said({"kept": True})

    async def _source(self, request: Request) -> Answer:
        return await self._sent("source")

    async def _read_cache(self, request: Request) -> Answer:
        job: Any = self._box.job
        return await self._sent("cache") if job and job["cache"] else Answer(204, b"")

    async def _sent(self, name: str) -> Answer:
        path = self._box.came(name)
        if not await self._box.until(path.exists, WAIT):
            raise Unavailable(f"the {name} has not come yet")
        return Answer(body=pieces(path), kind=BYTES)

    async def _write_cache(self, request: Request) -> Answer:
        return said({"size": await self._box.keep(Kept("cache", "cache"), request.body)})

    async def _artifact(self, request: Request) -> Answer:
        kind, _, name = request.path.removeprefix(f"{PREFIX}artifacts/").partition("/")
        kept = Kept(kind, unquote(name))
        return said({"size": await self._box.keep(kept, request.body), "name": kept.name})

    async def _tests(self, request: Request) -> Answer:
        return said({"kept": False})

    async def _record(self, request: Request) -> Answer:
        record = json.loads(await request.whole())
        if self._box.log_size < record["log_size"]:
            return problem(409, "the log is not whole", size=self._box.log_size)
        if self._box.record is None:
            await self._box.change(record=record)
        return said({"hearing": "applied"})
