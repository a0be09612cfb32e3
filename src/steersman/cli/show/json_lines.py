"""One JSON object per event and line, for programs."""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, BinaryIO

from steersman.core import events
from steersman.core.events import Event

NAMES = {
    events.RunStarted: "run_started",
    events.StepStarted: "step_started",
    events.Output: "output",
    events.StepEnded: "step_ended",
    events.Notice: "notice",
    events.RunEnded: "run_ended",
}


class JsonLines:
    """An audience that prints objects: `event`, `time` (RFC 3339), and the event's own fields.

    *more* are fields of every object.
    """

    def __init__(
        self,
        output: BinaryIO,
        clock: Callable[[], float] = time.time,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.output = output
        self.clock = clock
        self._more = more
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def __call__(self, event: Event) -> None:
        self.say(NAMES[type(event)], self._fields(event))

    def say(self, event: str, fields: Mapping[str, Any]) -> None:
        """Print one object."""
        now = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "time": now, **self._more, **fields})
        self.output.write(line.encode() + b"\n")
        self.output.flush()

    def _fields(self, event: Event) -> dict[str, Any]:
        if isinstance(event, events.Output):
            return {"text": self._decoder.decode(event.data)}
        fields = event._asdict()
        for name in ("result", "outcome"):
            if name in fields:
                fields |= fields.pop(name)._asdict()
        return fields
