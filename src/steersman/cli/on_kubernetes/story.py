"""From a log and the states of steps to what an attempt tells: each step where its output is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from steersman.core import steps
from steersman.core.events import Event, Level, Notice, Output, RunEnded, StepEnded, StepStarted
from steersman.core.steps import Outcome, Phase, Result, State
from steersman.runner.audience import OUR_WORDS
from steersman.wire import Record, StepState

ENDINGS = {
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "errored": State.ERRORED,
    "stopped": State.CANCELLED,
}
_OURS = OUR_WORDS.encode()


class _Mark(NamedTuple):
    """Where in the log a step begins or ends."""

    at: int
    number: int
    ends: bool


class Story:
    """Tells *tell* what comes of a log, and of steps."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self.position = 0
        self._steps: dict[int, StepState] = {}
        self._told: set[_Mark] = set()
        self._results: list[Result] = []
        self._midline = False
        self._half = b""
        """The beginning of what may become a line of the runner's."""

    def hear(self, known: Iterable[StepState], log: bytes) -> None:
        """Take in how steps stand, and what follows in the log."""
        self._steps.update({each["number"]: each for each in known})
        for mark in sorted(self._marks()):
            if mark.at > self.position + len(log):
                break
            before = mark.at - self.position
            if before > 0:
                self._print(log[:before])
                log = log[before:]
            self._told.add(mark)
            self._flush()
            self._reached(mark)
        self._print(log)

    def _marks(self) -> Iterator[_Mark]:
        for number, step in self._steps.items():
            marks = [_Mark(step["log_start"], number, ends=False)]
            stop = step.get("log_stop")
            if stop is not None:
                marks.append(_Mark(stop, number, ends=True))
            yield from (mark for mark in marks if mark not in self._told)

    def _reached(self, mark: _Mark) -> None:
        step = self._steps[mark.number]
        if not mark.ends:
            self._tell(StepStarted(mark.number, step["name"], Phase(step["phase"])))
            return
        result = Result(
            name=step["name"],
            phase=Phase(step["phase"]),
            state=State(step["state"]),
            seconds=step.get("seconds") or 0.0,
            message=step.get("message", ""),
            exit_code=step.get("exit_code"),
            memory=step.get("memory"),
            cpu=step.get("cpu"),
        )
        self._results.append(result)
        self._tell(StepEnded(mark.number, result))

    def _print(self, data: bytes) -> None:
        """Tell what was printed; what the runner says is no output of a step."""
        self.position += len(data)
        *lines, self._half = (self._half + data).splitlines(keepends=True) or [b""]
        midline = not lines[-1].endswith(b"\n") if lines else self._midline
        if midline or not _may_be_ours(self._half):
            lines.append(self._half)
            self._half = b""
        waiting: list[bytes] = []
        for line in filter(None, lines):
            if not self._midline and line.startswith(_OURS):
                self._output(waiting)
                waiting = []
                self._tell(_notice(line.removeprefix(_OURS).decode(errors="replace").strip()))
            else:
                waiting.append(line)
                self._midline = not line.endswith(b"\n")
        self._output(waiting)

    def _flush(self) -> None:
        """Tell what looked like a line of the runner's, and was none."""
        if self._half:
            half, self._half = self._half, b""
            self._midline = True
            self._output([half])

    def _output(self, lines: list[bytes]) -> None:
        if lines:
            self._tell(Output(b"".join(lines)))

    def end(self, record: Record, seconds: float) -> Outcome:
        """Tell the end, and return what it is."""
        self._flush()
        state = ENDINGS[record["state"]]
        outcome = steps.outcome(self._results)
        if outcome.state is not state:
            outcome = Outcome(state, message=record.get("message", ""))
        self._tell(RunEnded(outcome, seconds, steps.failed_after_steps(self._results)))
        return outcome


def _notice(text: str) -> Notice:
    for level in (Level.WARNING, Level.ERROR):
        if text.startswith(f"{level}: "):
            return Notice(level, text.removeprefix(f"{level}: "))
    return Notice(Level.INFO, text)


def _may_be_ours(half: bytes) -> bool:
    """Tell whether what came of a line may be the beginning of one of the runner's."""
    if not half or half.endswith(b"\n"):
        return False
    return half.startswith(_OURS) or _OURS.startswith(half)
