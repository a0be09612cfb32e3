"""Times whole commands, interleaved, and says medians and ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds of wall time and CPU (with waited-for children), and peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def steer(*words: str) -> list[str]:
    """Return the command line of the `steer` beside this Python."""
    return [str(Path(sys.executable).with_name("steer")), *words]


def cost(command: Sequence[str], *, cwd: Path | None = None, into: Path | None = None) -> Cost:
    """Run *command* to its end; raises unless it exits with 0."""
    # Compiled modules are what a user has, whatever this environment says.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with open(into or os.devnull, "wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def interleaved(runs: int, **subjects: Callable[[], Cost]) -> dict[str, list[Cost]]:
    """Run the subjects in turn, *runs* times each, after one uncounted turn."""
    results: dict[str, list[Cost]] = {name: [] for name in subjects}
    for turn in range(runs + 1):
        for name, run in subjects.items():
            measured = run()
            if turn:
                results[name].append(measured)
    return results


def median(costs: Sequence[Cost], field: str = "wall") -> float:
    """Return the median of one field."""
    return float(statistics.median(getattr(one, field) for one in costs))


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost]) -> float:
    """Return the median of the ratios, pair by pair, which a drifting machine disturbs least."""
    return statistics.median(a.wall / b.wall for a, b in zip(ours, theirs, strict=True))
