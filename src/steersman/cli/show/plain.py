"""Plain lines: a step's output untouched on one stream, our own words on another.

CI systems fold what stands between the marks of a `Style`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from steersman.core import events
from steersman.core.events import Event, Level
from steersman.core.steps import Phase, Result, State, short_seconds

COLORS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


class Style(NamedTuple):
    """How a step is opened, closed and how an error is said. Times are seconds since 1970."""

    opens: Callable[[int, str, int], str]
    closes: Callable[[int, str, int], str]
    error: Callable[[str], str]


class Look(NamedTuple):
    """How much is said, and whether in colours."""

    colors: bool = False
    verbose: bool = False
    quiet: bool = False


def style_of(name: str) -> Style:
    """Return the style of a CI system; `plain` for all others."""
    if name == "github":
        return Style(
            lambda number, title, now: f"::group::{title}",
            lambda number, title, now: "::endgroup::",
            lambda text: "::error::" + text.replace("%", "%25").replace("\n", "%0A"),
        )
    if name == "gitlab":
        return Style(
            lambda number, title, now: (
                f"\x1b[0Ksection_start:{now}:{_key(number, title)}\r\x1b[0K{title}"
            ),
            lambda number, title, now: f"\x1b[0Ksection_end:{now}:{_key(number, title)}\r\x1b[0K",
            lambda text: text,
        )
    return Style(
        lambda number, title, now: f"--> {title}", lambda number, title, now: "", lambda text: text
    )


def _key(number: int, title: str) -> str:
    return f"step_{number}_" + re.sub(r"\W+", "_", title.lower())[:40]


class Plain:
    """An audience that prints lines."""

    def __init__(
        self,
        *,
        output: BinaryIO,
        words: BinaryIO,
        style: Style,
        look: Look,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.output = output
        self.words = words
        self.style = style
        self.look = look
        self.clock = clock
        self._midline = False

    def __call__(self, event: Event) -> None:
        match event:
            case events.Output(data):
                self._print(data)
            case events.StepStarted():
                self._opened(event)
            case events.StepEnded():
                self._closed(event.number, event.result)
            case events.Notice(level, text):
                self._notice(level, text)
            case events.RunStarted():
                self._begun(event)
            case events.RunEnded():
                self._over(event)

    def _print(self, data: bytes) -> None:
        self.output.write(data)
        self.output.flush()
        self._midline = not data.endswith(b"\n")

    def _say(self, text: str, color: str = "") -> None:
        """Print a line of our own, beginning a new one where the output left off in the middle."""
        if self._midline and self.words is self.output:
            self.output.write(b"\n")
        self._midline = False
        if color and self.look.colors:
            text = f"\x1b[{COLORS[color]}m{text}\x1b[0m"
        self.words.write(text.encode(errors="replace") + b"\n")
        self.words.flush()

    def _begun(self, event: events.RunStarted) -> None:
        if not self.look.quiet:
            self._say(f"--> {event.pipeline} on {event.where}, run {event.run_id}", "bold")

    def _opened(self, event: events.StepStarted) -> None:
        if not self.look.quiet:
            title = f"after-step {event.name}" if event.phase is Phase.AFTER else event.name
            self._say(self.style.opens(event.number, title, int(self.clock())), "bold")

    def _closed(self, number: int, result: Result) -> None:
        if not self.look.quiet and (
            mark := self.style.closes(number, result.name, int(self.clock()))
        ):
            self._say(mark)
        took = short_seconds(result.seconds)
        if result.state is State.SUCCEEDED:
            if not self.look.quiet:
                said = f": {_one_line(result.message)}" if result.message else ""
                self._say(f"    {result.name} succeeded in {took}{said}", "green")
            return
        kind = "after-step" if result.phase is Phase.AFTER else "step"
        text = f"{kind} {result.name} {result.state} after {took}"
        if result.state is not State.ERRORED:  # that is said at the end, with what to do
            text += f": {_one_line(result.message)}"
        self._say(self.style.error(f"    {text}"), "red")

    def _notice(self, level: Level, text: str) -> None:
        if level is Level.DEBUG and not self.look.verbose:
            return
        if level is Level.INFO and self.look.quiet:
            return
        prefix = f"{level}: " if level in (Level.WARNING, Level.ERROR) else ""
        self._say(f"    {prefix}{text}", "yellow" if prefix else "dim")

    def _over(self, event: events.RunEnded) -> None:
        took = short_seconds(event.seconds)
        if event.failed_after_steps and not self.look.quiet:
            self._say(f"    failed after-steps: {', '.join(event.failed_after_steps)}", "yellow")
        outcome = event.outcome
        if outcome.state is State.SUCCEEDED:
            if not self.look.quiet:
                self._say(f"--> succeeded in {took}", "green")
            return
        at = f" at step {outcome.failed_step}" if outcome.failed_step else ""
        self._say(f"--> {outcome.state}{at} after {took}", "red")


def _one_line(text: str) -> str:
    return " / ".join(line for line in text.splitlines() if line.strip())
