"""A run as a live tree on a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from steersman.cli.remote import tables
from steersman.cli.remote.connection import Json
from steersman.cli.remote.snapshots import Line
from steersman.core.steps import short_seconds

MARKS = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "errored": ("✗", "red"),
    "cancelled": ("-", "yellow"),
    "skipped": ("-", "dim"),
    "approval": ("?", "magenta"),
}
MOVING = ("running", "cancelling")


class Tree:
    """Draws a run as long as it lasts, and leaves its tree standing."""

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._console = console or Console(
            highlight=False, markup=False, no_color=bool(os.environ.get("NO_COLOR"))
        )
        self._clock = clock
        self._spinner = Spinner("dots")
        self._lines: Sequence[Line] = ()
        self._live = Live(self, console=self._console, refresh_per_second=8)

    def show(self, run: Json, lines: Sequence[Line]) -> None:
        """Draw the run as it is now."""
        self._lines = lines
        self._live.start()
        self._live.refresh()

    def close(self) -> None:
        """Draw it a last time."""
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 1))
        for _ in range(3):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for line in self._shown(console.height - 2):
            name = Text("  " * line.is_step).append(tables.words(line.name))
            table.add_row(self._mark(line), name, Text(self._note(line), "dim"))
        yield table

    def _shown(self, room: int) -> Sequence[Line]:
        """Leave out the steps of jobs that ended, when all are too many; then whatever is first."""
        if len(self._lines) <= room:
            return self._lines
        over = {line.job for line in self._lines if not line.is_step and line.is_over}
        left = [line for line in self._lines if not (line.is_step and line.job in over)]
        return left[-max(room, 3) :]

    def _mark(self, line: Line) -> Text | Spinner:
        if line.state in MOVING:
            return self._spinner
        mark, color = MARKS.get(line.state, ("·", "dim"))
        return Text(mark, color)

    def _note(self, line: Line) -> str:
        note = tables.words(line.note) if line.note and line.state != "succeeded" else ""
        if line.took is not None and line.is_over:
            return f"{short_seconds(line.took)} {note}".rstrip()
        if line.state in MOVING and line.began is not None:
            return short_seconds(max(0.0, self._clock() - line.began))
        return note or ("" if line.is_step or line.is_over else line.state)
