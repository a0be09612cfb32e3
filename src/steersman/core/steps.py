"""Which step comes next, what a step's ending means, and what all of them mean together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

# What a shell says by a status above 128; named, since "137" tells nobody anything.
SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
}  # fmt: skip


class State(StrEnum):
    """The state of a step. Final states are spelled as those of attempts, jobs and runs."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    ERRORED = "errored"


class Phase(StrEnum):
    """Where in an attempt a step stands."""

    SETUP = "setup"
    MAIN = "main"
    AFTER = "after"
    STORE = "store"


Cause = str
"""Why a step failed, for programs: a value of `core.reasons.Reason`, or empty."""


class Result(NamedTuple):
    """How one step ended. *message* is for people; *exit_code* None where there was none.

    *cause* tells programs why it failed: empty for its exit code. *memory* is the most bytes the
    box had used by then, *cpu* the seconds this step took of a processor; None: nobody measured.
    """

    name: str
    phase: Phase
    state: State
    seconds: float
    message: str = ""
    exit_code: int | None = None
    cause: Cause = ""
    memory: int | None = None
    cpu: float | None = None


class Outcome(NamedTuple):
    """How an attempt ended. After-steps never change it."""

    state: State
    failed_step: str | None = None
    message: str = ""
    cause: Cause = ""


def outcome(results: Sequence[Result]) -> Outcome:
    """Read the outcome off the results: the first one outside AFTER that did not succeed."""
    for result in results:
        if result.phase is Phase.AFTER or result.state in (State.SUCCEEDED, State.SKIPPED):
            continue
        return Outcome(result.state, result.name, result.message, result.cause)
    return Outcome(state=State.SUCCEEDED)


def failed_after_steps(results: Sequence[Result]) -> tuple[str, ...]:
    """Name the after-steps that did not succeed."""
    return tuple(
        result.name
        for result in results
        if result.phase is Phase.AFTER and result.state is not State.SUCCEEDED
    )


def exit_words(code: int, *, oom_kills: int = 0) -> str:
    """Say an exit code in words: `exit code 127 (command not found)`."""
    reason = {126: "not executable", 127: "command not found"}.get(code)
    if code > 128 and (name := SIGNALS.get(code - 128)):
        reason = name
    words = f"exit code {code}" + (f" ({reason})" if reason else "")
    return f"{words}; {oom_words(oom_kills)}" if oom_kills else words


def oom_words(kills: int) -> str:
    """Say that the kernel killed for memory."""
    times = "a process" if kills == 1 else f"{kills} processes"
    return f"out of memory: the kernel killed {times} of the box"


class Memory(NamedTuple):
    """The most bytes a box used, and how many it may have; None: nobody can tell, or no limit."""

    most: int | None = None
    limit: int | None = None


def memory_words(memory: Memory) -> str:
    """Say how much memory a box may have and had, in words that follow the reason."""
    limit = f"it may have {_mebibytes(memory.limit)}" if memory.limit else ""
    most = f"used {_mebibytes(memory.most)} at the most" if memory.most else ""
    words = " and ".join(filter(None, (limit, most)))
    return f"; {words if limit else f'it {words}'}" if words else ""


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.4g} MiB"


def minutes_words(seconds: float) -> str:
    """Say a timeout the way it is written in the file: in minutes where it is that long."""
    number, unit = (seconds, "second") if seconds < 60 else (seconds / 60, "minute")
    words = f"{number:g} {unit}"
    return words if words == f"1 {unit}" else f"{words}s"


def short_seconds(seconds: float) -> str:
    """Say a duration shortly: `0.42s`, `12.3s`, `3m 05s`, `1h 02m`."""
    if seconds < 10:
        return f"{seconds:.2f}s"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def folder_name(name: str, unique: str) -> str:
    """Return the name of a step's folder, `<name>-<unique>`, safe as one path component."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', name) or 'step'}-{unique}"
