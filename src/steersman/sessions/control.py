"""Control lines: what session.sh says beside the output, and how to find it in one stream.

Whatever a box sends is distrusted: a line that is too long is no control line.
"""

from __future__ import annotations

from steersman.sessions.base import Output, Said

MAX_LINE = 4096


def parse(line: bytes) -> Said:
    """Split a control line, without its newline, into words at single blanks.

    Joined by blanks again the words are the line, byte for byte (encode with surrogateescape).
    """
    return Said(tuple(line.decode("utf-8", "surrogateescape").split(" ")))


class Splitter:
    """Finds control lines in a stream of output: `MARK words` up to a newline, at any byte.

    What cannot belong to a mark is handed on at once, so ordinary output is never delayed.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode() + b" "
        self._held = b""

    def feed(self, data: bytes) -> list[Output | Said]:
        """Return what is certain after *data*."""
        found: list[Output | Said] = []
        data = self._held + data if self._held else data
        while (at := data.find(self._mark)) >= 0:
            if at:
                found.append(Output(data[:at]))
            message, left = self._after_mark(data[at + len(self._mark) :])
            if message is None:
                self._held = data[at:]
                return found
            found.append(message)
            data = left
        keep = self._prefix_at_end(data)
        if len(data) > keep:
            found.append(Output(data[: len(data) - keep]))
        self._held = data[len(data) - keep :]
        return found

    def end(self) -> list[Output]:
        """Return what was held back when nothing more can come."""
        held, self._held = self._held, b""
        return [Output(held)] if held else []

    def _after_mark(self, rest: bytes) -> tuple[Output | Said | None, bytes]:
        """Read a line that began with the mark; a mark that a step printed is output."""
        newline = rest.find(b"\n", 0, MAX_LINE)
        again = rest.find(self._mark, 0, newline if newline >= 0 else len(rest))
        if again >= 0:
            return Output(self._mark + rest[:again]), rest[again:]
        if newline >= 0:
            return parse(rest[:newline]), rest[newline + 1 :]
        if len(rest) < MAX_LINE:
            return None, rest
        return Output(self._mark), rest

    def _prefix_at_end(self, data: bytes) -> int:
        """Return how many of the last bytes may be the beginning of a mark."""
        for length in range(min(len(self._mark) - 1, len(data)), 0, -1):
            if data.endswith(self._mark[:length]):
                return length
        return 0
