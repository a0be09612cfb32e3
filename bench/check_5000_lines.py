"""How much CPU it costs to check a file of 5,000 lines, beyond the start of a process.

Run as `python -m bench.check_5000_lines`. Each round starts a fresh interpreter that does nothing
and one that reads the file, one after the other; the answer is the difference of the medians.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
LINES = 5000
LIMIT_MS = 150.0

STEP = """\
    - script:
        name: check part {n}
        cwd: services/part-{n}
        code: |
          echo "part {n}"
          make test PART={n}
    - install-packages:
        packages: git curl part-{n}
    - slack-notifier:
      url: $SLACK_URL
      channel: builds
      notify_on: failed
"""
CHECK = """\
import sys
from pathlib import Path
from steersman import pipeline_file
parsed = pipeline_file.read(Path(sys.argv[1]))
assert parsed.config is not None and not parsed.problems, parsed.problems
"""


def document() -> str:
    """Return a valid file of a little more than 5,000 lines."""
    lines = ["box: node:20", "services:", "  - redis:7"]
    steps = 0
    while len(lines) < LINES:
        lines += [f"pipeline-{steps}:", "  box: {id: python, tag: 3.11}", "  steps:"]
        for _ in range(8):
            lines += STEP.format(n=steps).splitlines()
            steps += 1
    return "\n".join(lines) + "\n"


def cpu_ms(compiled: Path, *argv: str) -> float:
    """Return the CPU time of a fresh interpreter, in milliseconds.

    Its modules are compiled into the folder *compiled*, as an installation would have them.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env["PYTHONPYCACHEPREFIX"] = str(compiled)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *argv], check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used * 1000


def main() -> list[tuple[str, str, str]]:
    """Measure and return rows of (what, figure, goal)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wercker.yml"
        path.write_text(document())
        compiled = Path(folder) / "compiled"
        cpu_ms(compiled, "-c", CHECK, str(path))
        empty, full = [], []
        for _ in range(ROUNDS):
            empty.append(cpu_ms(compiled, "-c", "pass"))
            full.append(cpu_ms(compiled, "-c", CHECK, str(path)))
    start, total = statistics.median(empty), statistics.median(full)
    what = "checking a 5,000-line file, CPU beyond the start"
    return [(what, f"{total - start:.0f} ms", f"{LIMIT_MS:.0f} ms")]


if __name__ == "__main__":
    for row in main():
        print(*row, sep="\t")
