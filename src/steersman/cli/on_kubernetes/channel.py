"""From the laptop to the mailbox in the pod: requests that the API server passes on.

Nothing is needed for it but what the kubeconfig allows: no port of the cluster is opened.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from steersman import trees
from steersman.cli.on_kubernetes.order import Order
from steersman.cluster.kubernetes.api import Api
from steersman.core.errors import Forbidden, NotFound, Refused, Unavailable, Unknown
from steersman.patience import Patience, patiently
from steersman.runner.mailbox.box import Kept
from steersman.runner.mailbox.for_laptop import HEADER
from steersman.wire import Note, Record, StepState

AWAY = 120.0
"""Seconds for which the mailbox may not answer, as while an API server is restarted."""
WAIT = 20.0
QUICK = 10.0
SILENCE = 600.0
Pieces = AsyncIterator[bytes]


class News(NamedTuple):
    """What is new: steps, what follows in the log, and at the end the record."""

    seen: int
    steps: list[StepState]
    log: bytes
    log_size: int
    record: Record | None
    kept: list[Kept]


class Channel:
    """Speaks to the mailbox of an order's pod."""

    def __init__(self, api: Api, order: Order, path: str, pause: Patience) -> None:
        self._api = api
        self._base = f"{path}/{order.proxied}"
        self._headers = {HEADER: order.key}
        self._pause = pause

    async def _ask(self, method: str, path: str, content: Any = None, silence: float = 40.0) -> Any:
        asked = self._api.through(method, f"{self._base}/{path}", content, self._headers, silence)
        try:
            async with asked as pieces:
                return json.loads(b"".join([piece async for piece in pieces]) or b"null")
        except Forbidden as error:
            raise Refused(
                f"you may not speak to pods through the API server: {error}",
                hint="the right that is missing is get and create on pods/proxy",
            ) from error
        except NotFound as error:
            # Whoever watches the pod knows why; by itself it says nothing.
            raise Unavailable(f"the pod is not there: {error}") from error
        except Unknown as error:
            raise Refused(f"the pod's mailbox does not know this run: {error}") from error

    async def _patiently(self, method: str, path: str, content: Callable[[], Any]) -> Any:
        return await patiently(
            lambda: self._ask(method, path, content(), SILENCE),
            pause=self._pause,
            give_up_after=AWAY,
        )

    async def say(self, name: str, what: object) -> None:
        """Put something small into the mailbox."""
        body = json.dumps(what).encode()
        await self._patiently("POST", name, lambda: body)

    async def bring(self, name: str, entries: Callable[[], Iterable[trees.Entry]]) -> None:
        """Bring an archive of *entries*."""
        await self._patiently("POST", name, lambda: _in_threads(trees.pack(entries())))

    async def notes(self, notes: list[Note]) -> None:
        """Say what is seen of the pod, once: `Unavailable` where nobody hears it."""
        await self._ask("POST", "notes", json.dumps({"notes": notes}).encode(), QUICK)

    async def news(self, log: int, seen: int, wait: float = WAIT) -> News:
        """Wait for something new; `Unavailable` where the mailbox does not answer."""
        path = f"news?log={log}&seen={seen}&wait={wait:g}"
        said = await self._ask("GET", path, silence=wait + QUICK)
        return News(
            said["seen"],
            said["steps"],
            base64.b64decode(said["log"]),
            said["log_size"],
            said["record"],
            [Kept(*each) for each in said["kept"]],
        )

    async def fetch(self, number: int, into: Path, limits: trees.Limits) -> trees.Collected:
        """Bring an archive home into the new folder *into*."""

        async def once() -> trees.Collected:
            asked = self._api.through(
                "GET", f"{self._base}/kept/{number}", None, self._headers, SILENCE
            )
            async with asked as pieces:
                return await trees.unpack(pieces, into, limits)

        return await patiently(once, pause=self._pause, give_up_after=AWAY)


async def _in_threads(archive: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read files in a thread, so that everything else goes on."""
    while (piece := await asyncio.to_thread(next, archive, None)) is not None:
        yield piece
