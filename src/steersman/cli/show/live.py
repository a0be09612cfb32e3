"""A live tree of steps with times at the foot of a terminal; output scrolls by above it."""

from __future__ import annotations

import sys

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.live import Live as Region
from rich.segment import ControlType, Segment
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from steersman.cli.show.rows import Row, Rows
from steersman.core import events
from steersman.core.events import Event, Level
from steersman.core.steps import Result, State, short_seconds

MARKS = {
    State.PENDING: ("·", "dim"),
    State.SUCCEEDED: ("✓", "green"),
    State.FAILED: ("✗", "red"),
    State.ERRORED: ("✗", "red"),
    State.CANCELLED: ("-", "yellow"),
    State.SKIPPED: ("-", "dim"),
}
ROWS = 12
"""At most so many steps are shown at once; a tree taller than the terminal cannot be redrawn."""


class Raw:
    """Bytes of a step for the terminal as they are, escapes and all."""

    def __init__(self, data: bytes) -> None:
        self.text = data.decode(errors="replace")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # A control segment is the one kind that rich hands on without measuring or changing it.
        yield Segment(self.text, None, [(ControlType.CARRIAGE_RETURN,)])


class Live:
    """An audience that draws the tree while a run lasts and leaves it standing at its end."""

    def __init__(
        self, *, verbose: bool = False, colors: bool = True, console: Console | None = None
    ) -> None:
        self.console = console or Console(
            file=sys.stdout, highlight=False, markup=False, no_color=not colors
        )
        self.verbose = verbose
        self.rows = Rows()
        self._rest = b""
        self._spinner = Spinner("dots")
        self._region = Region(
            self, console=self.console, refresh_per_second=8, redirect_stdout=False, transient=True
        )

    def __call__(self, event: Event) -> None:
        match event:
            case events.RunStarted():
                self._begun(event)
            case events.StepStarted():
                self._opened(event)
            case events.Output(data):
                self._print(data)
            case events.StepEnded():
                self._closed(event.result)
            case events.Notice(level, text):
                self._notice(level, text)
            case events.RunEnded():
                self._over(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 1))
        for _ in range(3):
            # A row that took two lines would make the tree taller than there is room for.
            table.add_column(no_wrap=True, overflow="ellipsis")
        for row in self.rows.around(max(3, min(ROWS, self.console.height - 4))):
            table.add_row(self._mark(row), Text(row.name), Text(self._time(row), "dim"))
        yield table

    def _mark(self, row: Row) -> Text | Spinner:
        if row.state is State.RUNNING:
            return self._spinner
        mark, color = MARKS[row.state]
        return Text(mark, color)

    def _time(self, row: Row) -> str:
        return row.time(self.console.get_time())

    def _begun(self, event: events.RunStarted) -> None:
        self.console.print(f"{event.pipeline} on {event.where}, run {event.run_id}", style="bold")
        self.rows.begun(event)
        self._region.start()

    def _opened(self, event: events.StepStarted) -> None:
        self.rows.opened(event, self.console.get_time())
        self._above(Text(f"--> {event.name}", "bold"))

    def _print(self, data: bytes) -> None:
        """Print whole lines; the tree below can only stand under a finished one."""
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if newline:
            self._above(Raw(lines + newline))

    def _flush(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, b""
            self._above(Raw(rest + b"\n"))

    def _above(self, what: Raw | Text | Control) -> None:
        self.console.print(what, end="" if isinstance(what, Raw) else "\n", soft_wrap=True)

    def _closed(self, result: Result) -> None:
        self._flush()
        self.rows.closed(result)
        if result.message:
            style = "" if result.state is State.SUCCEEDED else "red"
            self._above(Text(f"    {result.name}: {result.message}", style))

    def _notice(self, level: Level, text: str) -> None:
        if level is Level.DEBUG and not self.verbose:
            return
        style = {Level.WARNING: "yellow", Level.ERROR: "red"}.get(level, "dim")
        self._above(Text(f"    {text}", style))

    def pause(self) -> None:
        """Leave the terminal to somebody else."""
        self._flush()
        self._region.stop()

    def resume(self) -> None:
        self._region.start()

    def close(self) -> None:
        """Take the tree off the terminal; it stands there when a run was broken off."""
        self._region.stop()

    def _over(self, event: events.RunEnded) -> None:
        self._flush()
        self._region.stop()
        for row in self.rows.all:
            mark, color = MARKS.get(row.state, ("·", "dim"))
            line = Text(f"{mark} ", color).append(row.name, "default")
            self.console.print(line.append(f"  {self._time(row)}", "dim"), soft_wrap=True)
        good = event.outcome.state is State.SUCCEEDED
        text = f"{event.outcome.state} in {short_seconds(event.seconds)}"
        if event.outcome.failed_step:
            text += f", at step {event.outcome.failed_step}: {event.outcome.message}"
        self.console.print(Text(text, "bold green" if good else "bold red"), soft_wrap=True)
