"""A live tree over all pipelines of a workflow at the foot of a terminal, output above it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live as Region
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from steersman.cli.show.live import MARKS, Raw
from steersman.cli.show.rows import Row, Rows
from steersman.cli.show.several import Told, summary
from steersman.core import events, runs
from steersman.core.events import Audience, Event, Level
from steersman.core.steps import State, short_seconds

STEPS = 5
"""At most so many steps of a pipeline are shown at once, and fewer where the terminal is low."""


class Tree:
    """One pipeline: its state, its steps, and the line of output that is not whole yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = runs.State.WAITING
        self.rows = Rows()
        self.began = 0.0
        self.took = 0.0
        self.rest = b""


class Forest:
    """A screen that draws all pipelines while a workflow lasts, and sums up at its end."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        verbose: bool = False,
        colors: bool = True,
        console: Console | None = None,
    ) -> None:
        self.console = console or Console(
            file=sys.stdout, highlight=False, markup=False, no_color=not colors
        )
        self._verbose = verbose
        self._width = max(map(len, names), default=0)
        self._trees = {name: Tree(name) for name in names}
        self._spinner = Spinner("dots")
        self._region = Region(
            self, console=self.console, refresh_per_second=8, redirect_stdout=False, transient=True
        )

    def __call__(self, event: Event) -> None:
        if isinstance(event, events.Notice):
            self._notice(event.level, event.text, "")

    def of(self, name: str) -> Audience:
        return partial(self._hear, self._trees[name])

    def stands(self, name: str, state: runs.State, why: str) -> None:
        tree = self._trees[name]
        if state is runs.State.RUNNING and tree.state is not state:
            tree.began = self.console.get_time()
        elif state.is_final and tree.began:
            tree.took = self.console.get_time() - tree.began
        tree.state = state
        if why:
            self._above(Text(f"{name}: {why}", "dim"))
        self._region.start()

    def over(self, state: runs.State, seconds: float, told: Sequence[Told]) -> None:
        for tree in self._trees.values():
            self._flush(tree)
        self._region.stop()
        for line in summary(told):
            self.console.print(Text(line), soft_wrap=True)
        style = "bold green" if state is runs.State.SUCCEEDED else "bold red"
        self.console.print(Text(f"{state} in {short_seconds(seconds)}", style), soft_wrap=True)

    def close(self) -> None:
        self._region.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 1))
        for _ in range(3):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for mark, name, took in self._lines():
            table.add_row(mark, Text(name), Text(took, "dim"))
        yield table

    def _lines(self) -> Iterator[tuple[Text | Spinner, str, str]]:
        """Give the lines of all pipelines that there is room for: those that run, with steps."""
        trees = list(self._trees.values())
        running = [tree for tree in trees if tree.state is runs.State.RUNNING]
        room = max(3, self.console.height - 4)
        if len(trees) > room:
            rest = [tree for tree in trees if tree.state is not runs.State.RUNNING]
            trees = (running + rest)[:room]
        steps = min(STEPS, max(0, room - len(trees)) // max(1, len(running)))
        now = self.console.get_time()
        for tree in trees:
            if tree.state is not runs.State.RUNNING:
                mark, color = MARKS.get(_step_state(tree.state), ("·", "dim"))
                took = short_seconds(tree.took) if tree.took else str(tree.state)
                yield Text(mark, color), tree.name, took
                continue
            step = tree.rows.running
            at = f": {step.name}" if step and not steps else ""
            yield self._spinner, f"{tree.name}{at}", short_seconds(now - tree.began)
            for row in tree.rows.around(steps) if steps else ():
                yield self._mark(row), f"  {row.name}", row.time(now)

    def _mark(self, row: Row) -> Text | Spinner:
        if row.state is State.RUNNING:
            return Text(">", "bold")
        mark, color = MARKS[row.state]
        return Text(mark, color)

    def _hear(self, tree: Tree, event: Event) -> None:
        say: Callable[[str, str], None] = partial(self._line, tree)
        match event:
            case events.RunStarted():
                tree.rows.begun(event)
            case events.StepStarted():
                tree.rows.opened(event, self.console.get_time())
                say(f"--> {event.name}", "bold")
            case events.Output(data):
                self._print(tree, data)
            case events.StepEnded(result=result):
                self._flush(tree)
                tree.rows.closed(result)
                if result.message:
                    good = result.state is State.SUCCEEDED
                    say(f"    {result.name}: {result.message}", "" if good else "red")
            case events.Notice(level, text):
                self._notice(level, text, tree.name)
            case events.RunEnded():
                self._flush(tree)

    def _print(self, tree: Tree, data: bytes) -> None:
        *lines, tree.rest = (tree.rest + data).split(b"\n")
        if lines:
            prefix = f"{tree.name:{self._width}} | ".encode()
            self._above(Raw(b"".join(prefix + line + b"\n" for line in lines)))

    def _flush(self, tree: Tree) -> None:
        if tree.rest:
            self._print(tree, b"\n")

    def _line(self, tree: Tree, text: str, style: str) -> None:
        for line in text.splitlines():
            self._above(Text(f"{tree.name:{self._width}} | {line}", style))

    def _notice(self, level: Level, text: str, name: str) -> None:
        if level is Level.DEBUG and not self._verbose:
            return
        style = {Level.WARNING: "yellow", Level.ERROR: "red"}.get(level, "dim")
        front = f"{name:{self._width}} | " if name else ""
        for line in text.splitlines():
            self._above(Text(f"{front}    {line}", style))

    def _above(self, what: Raw | Text) -> None:
        self.console.print(what, end="" if isinstance(what, Raw) else "\n", soft_wrap=True)


def _step_state(state: runs.State) -> State:
    """Return the state of a step that is drawn as that of a pipeline."""
    return State(state) if state.is_final else State.PENDING
