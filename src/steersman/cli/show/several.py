"""Shows several pipelines at once where there is no terminal: each line says whose it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, cast

from steersman.cli import show
from steersman.core.events import Audience, Event, StepEnded
from steersman.core.runs import State
from steersman.core.steps import short_seconds

if TYPE_CHECKING:
    from steersman.cli.show.json_lines import JsonLines
    from steersman.cli.show.plain import Look


class Told(NamedTuple):
    """How one pipeline of a workflow ended; *output* is where what it left is kept."""

    name: str
    state: State
    seconds: float
    output: str = ""


class Screen(Protocol):
    """Shows a workflow: an audience for what concerns all, and one for each pipeline."""

    def __call__(self, event: Event) -> None: ...

    def of(self, name: str) -> Audience:
        """Return the audience of one pipeline."""

    def stands(self, name: str, state: State, why: str) -> None:
        """Show the state of a pipeline, and why it will not run where that is so."""

    def over(self, state: State, seconds: float, told: Sequence[Told]) -> None:
        """Sum up."""

    def close(self) -> None:
        """Set the terminal right."""


@contextmanager
def screen(flags: Mapping[str, Any], workflow: str, names: Sequence[str]) -> Iterator[Screen]:
    """Give the screen these flags ask for; the terminal is set right however a run ends."""
    chosen = _screen(flags, workflow, names)
    try:
        yield chosen
    finally:
        chosen.close()


def _screen(flags: Mapping[str, Any], workflow: str, names: Sequence[str]) -> Screen:
    terminal = sys.stderr.isatty() and sys.stdout.isatty()
    name = show.chosen_format(flags, os.environ, terminal=terminal)
    verbose = bool(flags["verbose"] or flags["debug"])
    if name == "json":
        return JsonScreen(sys.stdout.buffer, workflow)
    if name == "live":
        from steersman.cli.show.forest import Forest

        colors = show.wants_colors(flags, os.environ, terminal=True)
        return Forest(names, verbose=verbose, colors=colors)
    from steersman.cli.show.plain import Look

    colors = show.wants_colors(flags, os.environ, terminal=sys.stderr.isatty())
    look = Look(colors=colors, verbose=verbose, quiet=flags["quiet"])
    return PlainScreen(sys.stdout.buffer, sys.stderr.buffer, names, look)


class Prefixed:
    """A stream that writes whole lines, each behind a prefix; `end` writes a line that is not."""

    def __init__(self, stream: BinaryIO, prefix: bytes) -> None:
        self._stream = stream
        self._prefix = prefix
        self._rest = b""

    def write(self, data: bytes) -> int:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self._stream.write(b"".join(self._prefix + line + b"\n" for line in lines))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def end(self) -> None:
        if self._rest:
            self.write(b"\n")
            self.flush()


class PlainScreen:
    """Prints what each pipeline says as `steer build` does, each line behind its name."""

    def __init__(self, output: BinaryIO, words: BinaryIO, names: Sequence[str], look: Look) -> None:
        from steersman.cli.show.plain import Plain, style_of

        width = max(map(len, names), default=0)
        self._look = look
        self._words = words
        self._streams: list[Prefixed] = []
        self._audiences: dict[str, Audience] = {}
        style = style_of("plain")  # the folds of CI systems cannot be interleaved
        for name in names:
            prefix = f"{name:{width}} | ".encode()
            pair = Prefixed(output, prefix), Prefixed(words, prefix)
            self._streams += pair
            out, said = (cast("BinaryIO", stream) for stream in pair)
            plain = Plain(output=out, words=said, style=style, look=look)
            self._audiences[name] = partial(_hear, plain, pair[0])
        self._all = Plain(output=output, words=words, style=style, look=look)

    def __call__(self, event: Event) -> None:
        self._all(event)

    def of(self, name: str) -> Audience:
        return self._audiences[name]

    def stands(self, name: str, state: State, why: str) -> None:
        if why and not self._look.quiet:
            self._say(f"--> {name} is {state}: {why}")

    def over(self, state: State, seconds: float, told: Sequence[Told]) -> None:
        self.close()
        if self._look.quiet and state is State.SUCCEEDED:
            return
        for line in summary(told):
            self._say(line)
        self._say(f"--> {state} in {short_seconds(seconds)}")

    def close(self) -> None:
        for stream in self._streams:
            stream.end()

    def _say(self, text: str) -> None:
        self._words.write(text.encode(errors="replace") + b"\n")
        self._words.flush()


def _hear(audience: Audience, output: Prefixed, event: Event) -> None:
    if isinstance(event, StepEnded):
        output.end()  # a line that is not whole stands before what follows the step
    audience(event)


class JsonScreen:
    """Prints objects as `steer build` does, each with the `job` it concerns."""

    def __init__(
        self, output: BinaryIO, workflow: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._output, self._clock, self._workflow = output, clock, workflow
        self._lines = self._make()

    def __call__(self, event: Event) -> None:
        self._lines(event)

    def of(self, name: str) -> Audience:
        return self._make(job=name)

    def _make(self, **more: str) -> JsonLines:
        from steersman.cli.show.json_lines import JsonLines

        return JsonLines(self._output, self._clock, {"workflow": self._workflow, **more})

    def stands(self, name: str, state: State, why: str) -> None:
        self._lines.say("job", {"job": name, "state": state, "why": why})

    def over(self, state: State, seconds: float, told: Sequence[Told]) -> None:
        jobs = [each._asdict() for each in told]
        self._lines.say("workflow_ended", {"state": state, "seconds": seconds, "jobs": jobs})

    def close(self) -> None:
        return None


def summary(told: Sequence[Told]) -> Iterator[str]:
    """Say of each pipeline in a line how it ended."""
    width = max((len(each.name) for each in told), default=0)
    for each in told:
        took = f" in {short_seconds(each.seconds)}" if each.seconds else ""
        where = f"  {each.output}" if each.output else ""
        yield f"    {each.name:{width}}  {each.state}{took}{where}"
