"""All of a ledger as one text of limited size."""

from __future__ import annotations

import base64
import gzip
import json

from steersman.core.schedules.fires import Fire
from steersman.cron.kubernetes.base import Object
from steersman.cron.ledger import plain
from steersman.cron.ledger.base import Changes

MOST_CLOSED = 2000
MOST_BYTES = 900_000
ANSWERED = 500


class State:
    """The ledger as it was read: *version* is what a replacement must name."""

    def __init__(self, version: str = "", packed: str = "") -> None:
        raw = gzip.decompress(base64.b64decode(packed)) if packed else b"{}"
        data = json.loads(raw)
        self.version = version
        self.fence = int(data.get("fence", 0))
        self.rows = {row.key: row for row in map(plain.fire, data.get("rows", ()))}
        self.cursors = {each.schedule: each for each in map(plain.cursor, data.get("cursors", ()))}
        self.answered: list[str] = list(data.get("answered", ()))
        self.told = tuple(map(plain.told, data.get("told", ())))

    def apply(self, changes: Changes) -> None:
        """Take *changes* in."""
        self.rows.update({row.key: row for row in changes.rows})
        self.cursors.update({each.schedule: each for each in changes.cursors})
        for name in changes.forget:
            self.cursors.pop(name, None)
        if changes.told is not None:
            self.told = tuple(changes.told)
        self.answered = [*self.answered, *changes.done][-ANSWERED:]

    def packed(self) -> str:
        """Return it as a text, without the oldest rows that are over where they are too many."""
        most = MOST_CLOSED
        self._shrink(most)
        packed = self._packed()
        while len(packed) > MOST_BYTES and most:
            most //= 2
            self._shrink(most)
            packed = self._packed()
        return packed

    def _shrink(self, most: int) -> None:
        """Drop the oldest of the rows that are over."""
        closed = sorted((row.instant, row.key) for row in self.rows.values() if not row.open)
        for _, key in closed[: max(0, len(closed) - most)]:
            del self.rows[key]

    def _packed(self) -> str:
        data = {
            "fence": self.fence,
            "rows": [_without_defaults(row) for row in self.rows.values()],
            "cursors": [plain.of_cursor(each) for each in self.cursors.values()],
            "answered": self.answered,
            "told": [plain.of_told(each) for each in self.told],
        }
        raw = json.dumps(data, separators=(",", ":")).encode()
        return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()


def _without_defaults(row: Fire) -> Object:
    data = plain.of_fire(row)
    usual = Fire._field_defaults
    return {key: value for key, value in data.items() if key not in usual or value != usual[key]}
