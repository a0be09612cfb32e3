"""`make bench`: run every benchmark and write the figures to docs/benchmarks.md."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from importlib import import_module
from pathlib import Path

SCRIPTS = (
    "three_steps",
    "workflow_parallel",
    "output",
    "start",
    "copy_tree",
    "check_5000_lines",
    "detect",
    "docker_push",
    "platform_first_line",
    "platform_many_jobs",
    "platform_load",
    "platform_logs",
    "platform_schedules",
    "cron_decisions",
    "cron_lateness",
    "cron_failover",
    "cron_reaper",
)
PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Measured by `make bench` on {day}: {cores} cores, Python {python}, engine {engine}. Us and the
yardstick run in turn in one go; a figure is a median (of at least 15 turns, of 3 to 5 for what
takes minutes), a ratio the median of the ratios pair by pair. The machine is shared and noisy: read
the ratios, not the seconds.

The original command line took 5.05 times a bare `docker run` for three echo steps (1.94 s against
0.385 s, measured once on such a machine).

| what | figure | at most |
| --- | --- | --- |
"""


def engine() -> str:
    """Return the engine's version."""
    words = ["docker", "version", "--format", "{{.Server.Version}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"


def main() -> int:
    """Run the benchmarks named, or all of them; only a full run writes the page."""
    named = sys.argv[1:] or SCRIPTS
    rows: list[tuple[str, str, str]] = []
    for name in named:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured = import_module(f"bench.{name}").main()
        for row in measured:
            print("  ", *row, file=sys.stderr)
        rows += measured
    table = "".join(f"| {what} | {figure} | {goal} |\n" for what, figure, goal in rows)
    print(table)
    if not sys.argv[1:]:
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        head = HEAD.format(
            day=day, cores=os.cpu_count(), python=platform.python_version(), engine=engine()
        )
        PAGE.write_text(head + table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
