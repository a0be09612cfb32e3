"""What an engine reports while it pushes, builds or loads: a line of JSON after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from steersman.core.errors import Refused

Line = dict[str, Any]


class Failed(Refused):
    """The engine reports that it could not do it."""


async def read(pieces: AsyncIterator[bytes]) -> AsyncIterator[Line]:
    """Yield each line; `Failed` for one that tells of an error."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if (data := _line(line)) is not None:
                yield data
    if (data := _line(rest)) is not None:
        yield data


def _line(text: bytes) -> Line | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    if said := (data.get("errorDetail") or {}).get("message") or data.get("error"):
        raise Failed(str(said).strip())
    return data


class Pushing:
    """Adds up the layers of a push."""

    def __init__(self) -> None:
        self.digest = ""
        self._sent: dict[str, int] = {}
        self._done: set[str] = set()

    def note(self, line: Line) -> None:
        """Take one line."""
        aux = line.get("aux")
        if isinstance(aux, dict):
            self.digest = str(aux.get("Digest") or self.digest)
        layer, status = line.get("id"), str(line.get("status", ""))
        if not layer or status.startswith(("The push", "Tag")):
            return
        detail = line.get("progressDetail") or {}
        self._sent[layer] = max(self._sent.get(layer, 0), int(detail.get("current") or 0))
        if status == "Pushed" or status.startswith(("Layer already", "Mounted")):
            self._done.add(layer)

    def __str__(self) -> str:
        sent = sum(self._sent.values()) / 1e6
        return f"{len(self._done)} of {len(self._sent)} layers, {sent:.1f} MB"
