"""What happens to a run, as it happens: server-sent events, through lost connections."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

from steersman.cli.remote.connection import Json, get, path
from steersman.client import Away, Client, patience, patiently
from steersman.core.runs import State

SILENCE = 60.0
"""Seconds without a byte after which a connection counts as lost; the server says something
every 15 s."""
GIVE_UP = 300.0
"""Seconds a server may be away, as while it is brought up to date."""
FINAL = frozenset(state.value for state in State if state.is_final)


class Reader:
    """Takes a stream of server-sent events apart, wherever its pieces are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the id and the data of each event that *piece* completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode(errors="replace")
            if text:
                self._take(text)
            elif self._data:
                said = _object("\n".join(self._data))
                self._data = []
                if said is not None:
                    yield self._id, said

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
        elif field == "id":
            self._id = value.removeprefix(" ")


def _object(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


async def events(client: Client, run: str) -> AsyncIterator[Json | None]:
    """Give each event of a run, and None whenever a connection was made: look at everything then.

    A server that is away is waited for, `GIVE_UP` seconds at most.
    """
    last, tries, pause = "", 0, patience()
    lost: float | None = None
    while True:
        try:
            headers = {"Last-Event-ID": last} if last else {}
            address = path("events", run=run)
            async with client.stream("GET", address, headers, timeout=SILENCE) as answer:
                yield None
                reader = Reader()
                async for piece in answer.pieces:
                    tries, lost = 0, None
                    for last, event in reader.feed(piece):  # noqa: B007 - it is kept
                        yield event
        except Away:
            lost = pause.now() if lost is None else lost
            if pause.now() - lost > GIVE_UP:
                raise
        tries += 1
        await pause.sleep(pause.pause(tries))


async def looks(client: Client, run: str) -> AsyncIterator[Json]:
    """Give a run as it is, again whenever something happened to it, until it has ended."""
    address = path("runs", run)
    pause = patience()
    async with aclosing(events(client, run)) as coming:  # type: ignore[type-var]
        async for _ in coming:
            seen = await patiently(lambda: get(client, address), pause=pause, give_up_after=GIVE_UP)
            yield seen
            if seen["state"] in FINAL:
                return
