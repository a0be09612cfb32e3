"""Turns what an attempt tells into a log and the states of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from steersman.core import events
from steersman.core.events import Event, Level
from steersman.core.steps import State
from steersman.runner.spool import Spool

if TYPE_CHECKING:
    from steersman.wire import StepState

OUR_WORDS = "[steersman] "


class Audience:
    """Hears an attempt; *told* is called whenever there is something to be sent."""

    def __init__(self, spool: Spool, clock: Callable[[], float], told: Callable[[], None]) -> None:
        self.spool = spool
        self.clock = clock
        self.told = told
        self.changed: dict[int, StepState] = {}
        self.ended: events.RunEnded | None = None
        self._steps: dict[int, StepState] = {}
        self._midline = False

    def __call__(self, event: Event) -> None:
        match event:
            case events.Output(data):
                self.spool.write(data)
                self._midline = not data.endswith(b"\n")
            case events.Notice(level, text):
                if level is not Level.DEBUG:
                    self.say(text if level is Level.INFO else f"{level}: {text}")
            case events.StepStarted(number, name, phase):
                self._steps[number] = {
                    "number": number,
                    "name": name,
                    "phase": phase.value,
                    "state": State.RUNNING.value,
                    "began": self.clock(),
                    "log_start": self.spool.size,
                }
                self.changed[number] = self._steps[number]
            case events.StepEnded():
                self._ended(event)
            case events.RunEnded():
                self.ended = event
        self.told()

    def _ended(self, event: events.StepEnded) -> None:
        result = event.result
        state = self._steps[event.number]
        state["state"] = result.state.value
        state["seconds"] = result.seconds
        state["exit_code"] = result.exit_code
        state["message"] = result.message
        state["log_stop"] = self.spool.size
        state["memory"] = result.memory
        state["cpu"] = result.cpu
        self.changed[event.number] = state

    def say(self, text: str) -> None:
        """Write a line of our own into the log, beginning a new one."""
        lines = "".join(f"{OUR_WORDS}{line}\n" for line in text.splitlines())
        start = "\n" if self._midline else ""
        self._midline = False
        self.spool.write((start + lines).encode(errors="replace"))

    def take_changed(self) -> list[StepState]:
        """Return the steps that changed since the last call, as they are now."""
        taken = [dict(state) for state in self.changed.values()]
        self.changed.clear()
        return taken  # type: ignore[return-value]  # copies of them
